# SPDX-License-Identifier: Apache-2.0
#
# A script: writes OUTPUT.c and OUTPUT.h, which make the bytes of the file
# INPUT the constants NAME_data and NAME_size.

file(READ "${INPUT}" bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(
    WRITE "${OUTPUT}.h"
    "#pragma once\n"
    "#include <stddef.h>\n"
    "extern const unsigned char ${NAME}_data[];\n"
    "extern const size_t ${NAME}_size;\n"
)
file(
    WRITE "${OUTPUT}.c"
    "#include \"${NAME}.h\"\n"
    "const unsigned char ${NAME}_data[] = {${bytes}};\n"
    "const size_t ${NAME}_size = sizeof ${NAME}_data;\n"
)
