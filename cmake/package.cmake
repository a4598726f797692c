# What `cmake --install` gives: headers, library, pkg-config and CMake package files.
include(CMakePackageConfigHelpers)
install(TARGETS nnpeek EXPORT nnpeek)
install(DIRECTORY include/nnpeek DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT nnpeek FILE nnpeek-config.cmake NAMESPACE nnpeek:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/nnpeek)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/nnpeek-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/nnpeek-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/nnpeek)
configure_file(cmake/nnpeek.pc.in ${PROJECT_BINARY_DIR}/nnpeek.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/nnpeek.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
