"""Writes sbom.cdx.json, the list of every package that is in the program or its Python package (CycloneDX 1.5).

    python3 tools/sbom.py > sbom.cdx.json

Made of `cargo metadata` (names, versions, licences) and Cargo.lock (hashes). What is used for tests or by the build alone
is not in the list. The same lock file gives the same bytes.
"""

import json
import re
import subprocess

metadata = json.loads(
    subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--all-features", "--locked"],
        check=True,
        capture_output=True,
    ).stdout
)
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
root = metadata["resolve"]["root"]

# Packages that are reached by dependencies that are no test's and no build's.
seen, todo = set(), [root]
while todo:
    current = todo.pop()
    if current in seen:
        continue
    seen.add(current)
    for dependency in nodes[current]["deps"]:
        if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
            todo.append(dependency["pkg"])

with open("Cargo.lock", encoding="utf-8") as lock:
    text = lock.read()
hashes = {
    (name, version): checksum
    for name, version, checksum in re.findall(
        r'name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]*"\nchecksum = "([0-9a-f]{64})"', text
    )
}


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def licence(package):
    # An old form of "or".
    expression = (package["license"] or "").replace("/", " OR ")
    if expression:
        return [{"expression": expression}]
    return [{"license": {"name": f"see {package['license_file']}"}}]


components = []
for package in sorted((packages[i] for i in seen if i != root), key=lambda p: (p["name"], p["version"])):
    components.append(
        {
            "type": "library",
            "bom-ref": reference(package),
            "name": package["name"],
            "version": package["version"],
            "licenses": licence(package),
            "purl": reference(package),
            "hashes": [{"alg": "SHA-256", "content": hashes[package["name"], package["version"]]}],
        }
    )
depends = [
    {
        "ref": reference(packages[i]),
        "dependsOn": sorted({reference(packages[d["pkg"]]) for d in nodes[i]["deps"] if d["pkg"] in seen}),
    }
    for i in sorted(seen, key=lambda i: reference(packages[i]))
]
own = packages[root]
print(
    json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "metadata": {
                "component": {
                    "type": "application",
                    "bom-ref": reference(own),
                    "name": own["name"],
                    "version": own["version"],
                    "licenses": licence(own),
                    "purl": reference(own),
                }
            },
            "components": components,
            "dependencies": depends,
        },
        indent=1,
    )
)
