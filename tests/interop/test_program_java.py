# SPDX-License-Identifier: Apache-2.0
"""The program of docs/clients.md that campaigns, in Java."""

import re

from harness import check, main, test
from programs import (
    live_through_the_stories, need_network, new_project, read_program, run,
)

LIBRARIES = ("grpc-netty-shaded", "grpc-protobuf", "grpc-stub")
BUILD = """
mvn -B -q dependency:copy-dependencies -DoutputDirectory=lib
javac -nowarn -cp 'lib/*' -d classes $(find src/main/java -name '*.java')
"""


def pom(version):
    """A project that has nothing but its libraries."""
    dependencies = "".join(
        f"<dependency><groupId>io.grpc</groupId><artifactId>{library}"
        f"</artifactId><version>{version}</version></dependency>"
        for library in LIBRARIES
    )
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>app</groupId>"
        "<artifactId>app</artifactId><version>1</version>"
        f"<dependencies>{dependencies}</dependencies></project>"
    )


@test
def test_java():
    commands, program = read_program("docs/clients.md", "java")
    need_network("mvn", "javac")
    version = re.search(r"protoc-gen-grpc-java:([\d.]+):", commands)
    check(version, "the docs name no version")
    with new_project() as directory:
        (directory / "pom.xml").write_text(
            pom(version[1]), encoding="utf-8"
        )
        run(commands, directory)
        (directory / "src/main/java/Main.java").write_text(
            program, encoding="utf-8"
        )
        run(BUILD, directory)
        live_through_the_stories(
            ["java", "-cp", "classes:lib/*", "Main"], directory
        )


if __name__ == "__main__":
    main()
