# SPDX-License-Identifier: Apache-2.0
"""The program of docs/clients.md that campaigns, in Java."""

import re

from harness import check, equal, main, test
from programs import (
    ROOT, live_through_the_stories, need_network, new_project, read_program,
    run,
)

def read_pom(version):
    """The project file of the docs, whose libraries are of the plugin's
    version, and the command that builds it."""
    text = (ROOT / "docs/clients.md").read_text(encoding="utf-8")
    (pom,) = re.findall(r"^```xml\n(.*?)^```$", text, re.M | re.S)
    (build,) = re.findall(r"`(mvn -q compile\s[^`]*)`", text)
    equal(set(re.findall(r"<version>([\d.]+\.[\d.]+)<", pom)), {version})
    return pom, " ".join(build.split())


@test
def test_java():
    commands, program = read_program("docs/clients.md", "java")
    need_network("mvn", "javac")
    version = re.search(r"protoc-gen-grpc-java:([\d.]+):", commands)
    check(version, "the docs name no version")
    with new_project() as directory:
        pom, build = read_pom(version[1])
        (directory / "pom.xml").write_text(pom, encoding="utf-8")
        run(commands, directory)
        (directory / "src/main/java/Main.java").write_text(
            program, encoding="utf-8"
        )
        run(build, directory)
        live_through_the_stories(
            ["java", "-cp", "target/classes:lib/*", "Main"], directory
        )


if __name__ == "__main__":
    main()
