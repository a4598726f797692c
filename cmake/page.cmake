# nnpeek_page: the report's page, embedded into the library byte for byte.
add_library(nnpeek_page OBJECT ${PROJECT_SOURCE_DIR}/src/report/page.S)
