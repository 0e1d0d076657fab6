# What `cmake --install` lays down: library, header, CMake package, pkg-config file and licence.
# The command's own install rule stands with its target. Every path is relative, so the tree may be moved.
include(CMakePackageConfigHelpers)

# Components are the packages of RondoPackage; what names none is for development.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/rondo)
if(RONDO_BUILD_SHARED)
  set(installed_library rondo)
else()
  set(installed_library rondo_static)
endif()
install(TARGETS ${installed_library} EXPORT rondoTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(RONDO_CUDA AND RONDO_BUILD_SHARED)
  install(TARGETS rondo_fused rondo_cudnn LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/rondo-${PROJECT_VERSION_MAJOR}
    COMPONENT cuda)
endif()
install(DIRECTORY include/rondo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(EXPORT rondoTargets NAMESPACE rondo:: DESTINATION ${package_dir})

configure_package_config_file(cmake/rondoConfig.cmake.in ${PROJECT_BINARY_DIR}/rondoConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/rondoConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/rondoConfig.cmake ${PROJECT_BINARY_DIR}/rondoConfigVersion.cmake
  DESTINATION ${package_dir})

# A C program linking librondo.a also needs the C++ runtime and the mathematics library.
if(NOT RONDO_BUILD_SHARED)
  set(RONDO_PC_LIBS " -lstdc++ -lm -pthread")
  set(RONDO_PC_REQUIRES libhwy)
  if(RONDO_CUDA)
    string(PREPEND RONDO_PC_LIBS " -L${CUDAToolkit_LIBRARY_DIR} -lcublas -lcudnn -lcudart_static -lrt -ldl")
  endif()
endif()
file(RELATIVE_PATH RONDO_PC_TO_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" RONDO_PC_TO_PREFIX "${RONDO_PC_TO_PREFIX}")
configure_file(cmake/rondo.pc.in ${PROJECT_BINARY_DIR}/rondo.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/rondo.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT licence) # Debian's packages have another
unset(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME)
