# SPDX-License-Identifier: Apache-2.0
#
# How all C code is compiled; electd_warnings() adds what only ours is held to.

include(CheckCCompilerFlag)
include(CheckPIESupported)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported(LANGUAGES C)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()

# Assertions stay on in every build, and name files without the place of the
# checkout. Libraries that nothing calls are not loaded.
add_compile_options(-UNDEBUG "-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")
add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,--as-needed)

if(ELECTD_SANITIZE)
    set(flags "-fsanitize=${ELECTD_SANITIZE}" -fno-sanitize-recover=all)
    if(ELECTD_FUZZ)
        list(APPEND flags -fsanitize=fuzzer-no-link)
    endif()
    add_compile_options(${flags} -fno-omit-frame-pointer)
    add_link_options(${flags})
else()
    # -U: some distributions define another level themselves.
    add_compile_options(
        -fstack-protector-strong
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
        $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>
    )
    foreach(flag IN ITEMS -fstack-clash-protection -fcf-protection)
        string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
        check_c_compiler_flag(${flag} ${have})
        if(${have})
            add_compile_options(${flag})
        endif()
    endforeach()
endif()

function(electd_warnings target)
    target_compile_options(
        ${target}
        PRIVATE -Wall
                -Wextra
                -Wpedantic
                -Wconversion
                -Wshadow
                -Wstrict-prototypes
                -Wvla
                -Werror
    )
endfunction()
