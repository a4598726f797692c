# nnpeek_page: the report's page (web/), built by Node into one HTML file and embedded into the library.
#
# Everything of npm happens in ${page_dir}, in the build folder; node_modules never appears in the source tree.
find_program(NPM npm)
find_program(NODE node NAMES node nodejs)
if(NOT NPM OR NOT NODE)
    message(FATAL_ERROR "The report's page is built with Node.js 18 or newer and npm, which were not found: "
                        "install them (Debian: apt-get install nodejs npm), or give -DNODE= and -DNPM=")
endif()
execute_process(COMMAND ${NODE} --version OUTPUT_VARIABLE node_version OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX REPLACE "^v" "" node_version "${node_version}")
if(node_version VERSION_LESS 18)
    message(FATAL_ERROR "The report's page needs Node.js 18 or newer, but ${NODE} is ${node_version}: "
                        "install a newer one or give its path as -DNODE=")
endif()

set(page_dir ${PROJECT_BINARY_DIR}/web)
set(page_source ${PROJECT_SOURCE_DIR}/web)
set(page_packages ${page_source}/package.json ${page_source}/package-lock.json ${page_source}/.npmrc)
file(MAKE_DIRECTORY ${page_dir})

add_custom_command(
    OUTPUT ${page_dir}/packages.stamp
    COMMAND ${CMAKE_COMMAND} -E copy ${page_packages} ${page_dir}
    COMMAND ${CMAKE_COMMAND} -E chdir ${page_dir} ${NPM} ci --ignore-scripts --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E touch ${page_dir}/packages.stamp
    DEPENDS ${page_packages} COMMENT "Installing the page's npm packages" VERBATIM)

file(GLOB_RECURSE page_sources CONFIGURE_DEPENDS ${page_source}/src/*.ts)
file(GLOB page_styles CONFIGURE_DEPENDS ${page_source}/style/*.css)
add_custom_command(
    OUTPUT ${page_dir}/page.html
    COMMAND ${NODE} ${page_source}/build.mjs ${page_dir} ${page_dir}/page.html
    DEPENDS ${page_dir}/packages.stamp ${page_sources} ${page_source}/build.mjs ${page_source}/page.html
            ${page_styles} ${page_source}/tsconfig.json ${page_source}/payload.schema.json
    COMMENT "Building the report's page" VERBATIM)

add_library(nnpeek_page OBJECT ${PROJECT_SOURCE_DIR}/src/report/page.S)
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/report/page.S PROPERTIES
                            OBJECT_DEPENDS ${page_dir}/page.html COMPILE_OPTIONS "-Wa,-I,${page_dir}")
