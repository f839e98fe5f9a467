#!/usr/bin/env python3
"""Opens a report in a browser and finds in it what its data say.

    check_page.py report.html report.json

Needs PyPI selenium and Debian's chromium and chromium-driver. The page must show every headline figure, ask for nothing
from elsewhere, log no error, have headings in order, names for its tables, pictures and recordings, and no line that is
wider than a phone.
"""
import json
import sys
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from headlines import headlines


def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


def requests(driver):
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            yield message["params"]["request"]["url"]


def check(page, data):
    report = json.loads(Path(data).read_text())
    address = Path(page).resolve().as_uri()
    driver = browser()
    try:
        driver.set_window_size(1200, 900)
        driver.get(address)
        text = " ".join(driver.execute_script("return document.body.textContent").split())
        missing = [words for words in headlines(report) if " ".join(words.split()) not in text]
        assert not missing, f"not on the page: {missing}"
        first = " ".join(driver.find_element(By.ID, "summary").text.split())
        for row in report["result"]["candidates"][:2]:
            if row["evidence"]:
                assert row["evidence"]["statement"] in first, "the answer is not on the first page"
        errors = [entry for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        assert not errors, errors
        foreign = [url for url in requests(driver) if url != address and not url.startswith("data:")]
        assert not foreign, f"asked for {foreign}"
        assert driver.execute_script("return document.scripts.length") == 0
        levels = driver.execute_script(
            "return [...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))")
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after - before <= 1 for before, after in zip(levels, levels[1:])), f"a heading is skipped: {levels}"
        unnamed = driver.execute_script(
            "return [...document.querySelectorAll('figure > svg')].filter(s => !s.querySelector('title') || "
            "!s.querySelector('desc').textContent.trim()).length + "
            "[...document.querySelectorAll('table')].filter(t => !t.caption || !t.tHead).length + "
            "[...document.querySelectorAll('audio')].filter(a => !a.getAttribute('aria-label')).length")
        assert unnamed == 0, f"{unnamed} pictures, tables or recordings have no name"
        links = driver.execute_script(
            "return [...document.querySelectorAll('a')].filter(a => !document.getElementById(a.hash.slice(1))).length")
        assert links == 0, "a link leads nowhere"
        sounds = driver.execute_script("return [...document.querySelectorAll('audio')].map(a => a.error)")
        assert all(error is None for error in sounds), sounds
        driver.set_window_size(390, 844)
        wide = driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"the page is {wide} pixels wider than a phone"
        print(f"{page}: {len(headlines(report))} figures found, {len(sounds)} recordings, nothing from elsewhere")
    finally:
        driver.quit()


if __name__ == "__main__":
    check(*sys.argv[1:])
