# nnpeek_oracle: ONNX Runtime for Node.js, which the tests and `make bench` compare with, in ${oracle_dir}. Nothing of it is linked.
set(oracle_dir ${PROJECT_BINARY_DIR}/oracle)
set(oracle_source ${PROJECT_SOURCE_DIR}/tests/oracle)
set(oracle_packages ${oracle_source}/package.json ${oracle_source}/package-lock.json ${oracle_source}/.npmrc)
set(oracle_natives ${oracle_dir}/node_modules/onnxruntime-node/bin/napi-v6)
file(MAKE_DIRECTORY ${oracle_dir})

# The package holds the libraries of five systems, 290 MB; those of the others go.
add_custom_command(
    OUTPUT ${oracle_dir}/packages.stamp
    COMMAND ${CMAKE_COMMAND} -E copy ${oracle_packages} ${oracle_dir}
    COMMAND ${CMAKE_COMMAND} -E chdir ${oracle_dir} ${NPM} ci --ignore-scripts --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${oracle_natives}/darwin ${oracle_natives}/win32
    COMMAND ${CMAKE_COMMAND} -E touch ${oracle_dir}/packages.stamp
    DEPENDS ${oracle_packages} COMMENT "Installing ONNX Runtime for the tests" VERBATIM)

if(BUILD_TESTING AND NOT NNPEEK_SANITIZE)
    add_custom_target(nnpeek_oracle ALL DEPENDS ${oracle_dir}/packages.stamp)
else()
    add_custom_target(nnpeek_oracle DEPENDS ${oracle_dir}/packages.stamp)
endif()
