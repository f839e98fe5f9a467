#!/usr/bin/env python3
"""Checks a report as PDF: `check_pdf.py FILE JSON [TEXT...]`.

It must say that it is PDF/A-3b, with what that demands of a file that can be read without knowing this program: an output
intent, XMP metadata, embedded typefaces, no encryption and no scripts; it must have tags, a language, a title and an
outline; it must carry JSON to the byte, named as the data it was made from; every page must have its number; and every
TEXT must stand in it. Needs pikepdf (PyPI) and pdftotext (Debian: poppler-utils). It is no full validator as veraPDF is.
"""

import pathlib
import re
import subprocess
import sys

import pikepdf


def fail(message):
    raise SystemExit(f"{sys.argv[1]}: {message}")


def check(condition, message):
    if not condition:
        fail(message)


def page_texts(path):
    """The text of each page, as a reader would copy it."""
    out = subprocess.run(["pdftotext", "-enc", "UTF-8", path, "-"], check=True, capture_output=True, text=True)
    return out.stdout.split("\f")[:-1]


def bare(text):
    """Without spaces and line ends: a hash may be broken over lines."""
    return re.sub(r"\s+", "", text)


def has_texts(path, texts):
    """Fails unless each of the texts stands on some page; one that is broken over two pages is not found."""
    whole = bare("".join(page_texts(path)))
    for text in texts:
        check(bare(text) in whole, f"the text {text!r} is missing")


def is_archival(pdf):
    xmp = pdf.Root.Metadata.read_bytes().decode("utf-8")
    check(re.search(r"pdfaid:part>3<|pdfaid:part=\"3\"", xmp), "XMP does not say part 3 of PDF/A")
    check(re.search(r"pdfaid:conformance>B<|pdfaid:conformance=\"B\"", xmp), "XMP does not say conformance B")
    check(not pdf.is_encrypted, "it is encrypted")
    intents = pdf.Root.get("/OutputIntents", [])
    check(any(i.S == "/GTS_PDFA1" and "/DestOutputProfile" in i for i in intents), "no output intent with a profile")
    for name in ("/JavaScript", "/OpenAction", "/AA"):
        check(name not in pdf.Root and name not in pdf.Root.get("/Names", {}), f"it has {name}")
    fonts = 0
    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Dictionary) and thing.get("/Type") == "/FontDescriptor":
            fonts += 1
            check({"/FontFile", "/FontFile2", "/FontFile3"} & set(thing.keys()), f"{thing.FontName} is not embedded")
    check(fonts > 0, "no typeface is embedded")
    with pdf.open_metadata() as metadata:
        check(str(metadata.get("dc:title", "")).strip(), "XMP has no title")
        check(metadata.get("xmp:CreatorTool", "").startswith("soundalike "), "XMP does not name the program")


def is_accessible(pdf):
    check(bool(pdf.Root.get("/MarkInfo", {}).get("/Marked", False)), "it is not tagged")
    check("/StructTreeRoot" in pdf.Root, "it has no structure")
    check(str(pdf.Root.get("/Lang", "")), "it has no language")
    with pdf.open_outline() as outline:
        check(len(outline.root) > 0, "it has no outline")
    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Dictionary) and thing.get("/S") == "/Figure":
            check(str(thing.get("/Alt", "")), "a figure has no text in place of it")


def carries(pdf, data):
    """Fails unless one attached file is the data, as the source or the data of the document."""
    check("/EmbeddedFiles" in pdf.Root.get("/Names", {}), "no embedded files are listed")
    files = list(pdf.Root.get("/AF", []))
    check(files, "no file is associated with the document")
    for file in files:
        check(str(file.get("/Desc", "")), "an attached file has no description")
        check("/Subtype" in file.EF.F, "an attached file has no kind")
    same = [file for file in files if file.EF.F.read_bytes() == data]
    check(same, "no attached file is equal to the data")
    check(same[0].AFRelationship in ("/Source", "/Data"), "the data are not attached as such")


def is_numbered(path, pages):
    texts = page_texts(path)
    check(len(texts) == pages, f"pdftotext found {len(texts)} pages, expected {pages}")
    for number, text in enumerate(texts, 1):
        check(f"page {number} of {pages}" in text, f"page {number} does not have its number")


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    path, data = sys.argv[1], pathlib.Path(sys.argv[2]).read_bytes()
    with pikepdf.open(path) as pdf:
        is_archival(pdf)
        is_accessible(pdf)
        carries(pdf, data)
        pages = len(pdf.pages)
    is_numbered(path, pages)
    has_texts(path, sys.argv[3:])
    print(f"{path}: {pages} pages of PDF/A-3b with its data")


if __name__ == "__main__":
    main()
