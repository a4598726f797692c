# nnpeek_onnx: C readers and writers of ONNX, generated from the standard's own onnx.proto.
find_path(ONNX_PROTO_DIR onnx/onnx.proto REQUIRED)
find_program(PROTOC_C protoc-c REQUIRED)
set(onnx_dir ${PROJECT_BINARY_DIR}/onnx)
file(MAKE_DIRECTORY ${onnx_dir})
add_custom_command(OUTPUT ${onnx_dir}/onnx.pb-c.c ${onnx_dir}/onnx.pb-c.h
                   COMMAND ${PROTOC_C} --c_out=${onnx_dir} --proto_path=${ONNX_PROTO_DIR}/onnx
                           ${ONNX_PROTO_DIR}/onnx/onnx.proto
                   DEPENDS ${ONNX_PROTO_DIR}/onnx/onnx.proto VERBATIM)
add_library(nnpeek_onnx OBJECT ${onnx_dir}/onnx.pb-c.c)
target_include_directories(nnpeek_onnx PUBLIC ${onnx_dir})
target_link_libraries(nnpeek_onnx PRIVATE PkgConfig::PROTOBUF_C)
