# What is handed out: .deb packages (CPack, where the prefix is /usr) and reference documentation (the target rondo_doc).
# Which file belongs to which package is said by the COMPONENT of its own install rule.

# ---- reference documentation -----------------------------------------------------------------------------------------

# Twice, as Doxygen asks that everything be documented or nothing: rondo.h must be, rondo.hpp refers to it.
find_package(Doxygen QUIET)
if(DOXYGEN_FOUND)
  set(c_header ${PROJECT_SOURCE_DIR}/include/rondo/rondo.h)
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/rondo/*.h ${PROJECT_SOURCE_DIR}/include/rondo/*.hpp)
  list(JOIN headers "\" \"" headers)
  set(runs "")
  foreach(run "XML;NO;YES;${c_header}" "HTML;YES;NO;${headers}")
    list(GET run 0 doc_format)
    list(GET run 1 doc_extract_all)
    list(GET run 2 doc_is_c)
    list(GET run 3 doc_input)
    configure_file(${PROJECT_SOURCE_DIR}/cmake/Doxyfile.in ${PROJECT_BINARY_DIR}/doc/Doxyfile.${doc_format} @ONLY)
    list(APPEND runs COMMAND ${DOXYGEN_EXECUTABLE} ${PROJECT_BINARY_DIR}/doc/Doxyfile.${doc_format})
  endforeach()
  add_custom_target(rondo_doc ${runs} VERBATIM
    COMMENT "Reference documentation: ${PROJECT_BINARY_DIR}/doc/html/index.html")
endif()

# ---- packages --------------------------------------------------------------------------------------------------------

# Debian's paths hold in its own prefix only, where GNUInstallDirs knows the multiarch folder.
if(NOT RONDO_BUILD_SHARED OR NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  return()
endif()

# The loader looks there without being told.
if(TARGET rondo_cli)
  set_target_properties(rondo_cli PROPERTIES INSTALL_RPATH "")
endif()

set(packages library:librondo${PROJECT_VERSION_MAJOR} development:librondo-dev)
if(RONDO_CUDA)
  list(APPEND packages cuda:librondo${PROJECT_VERSION_MAJOR}-cuda)
endif()
if(TARGET rondo_cli)
  list(APPEND packages tools:rondo-tools)
endif()

set(maintainer "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
if(maintainer STREQUAL " <>")
  set(maintainer "rondo developers <rondo@users.noreply.github.com>")
endif()
set(release 1)
set(package_files ${PROJECT_BINARY_DIR}/package)
string(TIMESTAMP now "%Y-%m-%d" UTC) # SOURCE_DATE_EPOCH, where it is set
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
string(SUBSTRING ${now} 0 4 year)
file(WRITE ${package_files}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: rondo

Files: *
Copyright: ${year} the rondo authors
License: Apache-2.0
 On Debian systems, the text of the Apache License, version 2.0, is in /usr/share/common-licenses/Apache-2.0.
")
file(WRITE ${package_files}/changelog.Debian "rondo (${PROJECT_VERSION}-${release}) unstable; urgency=medium

  * What has changed is in changelog.gz.

 -- ${maintainer}  ${date}
")
file(WRITE ${package_files}/triggers "activate-noawait ldconfig\n")
set(soversion ${PROJECT_VERSION_MAJOR})
file(WRITE ${package_files}/shlibs "librondo ${soversion} librondo${soversion} (>= ${PROJECT_VERSION})\n")
find_program(GZIP_EXECUTABLE gzip REQUIRED)
file(COPY_FILE ${PROJECT_SOURCE_DIR}/CHANGELOG.md ${package_files}/changelog)
execute_process(COMMAND ${GZIP_EXECUTABLE} -9 --no-name --force ${package_files}/changelog ${package_files}/changelog.Debian
  COMMAND_ERROR_IS_FATAL ANY)

set(CPACK_COMPONENTS_ALL "")
foreach(package ${packages})
  string(REPLACE ":" ";" package ${package})
  list(POP_FRONT package component name)
  list(APPEND CPACK_COMPONENTS_ALL ${component})
  install(FILES ${package_files}/copyright ${package_files}/changelog.gz ${package_files}/changelog.Debian.gz
    DESTINATION share/doc/${name} COMPONENT ${component} EXCLUDE_FROM_ALL)
  string(TOUPPER ${component} component)
  set(CPACK_DEBIAN_${component}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${component}_FILE_NAME DEB-DEFAULT)
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME rondo)
set(CPACK_PACKAGE_VENDOR "rondo developers")
set(CPACK_PACKAGE_CONTACT ${maintainer})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_VERBATIM_VARIABLES TRUE)
set(CPACK_STRIP_FILES TRUE)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEB_COMPONENT_INSTALL TRUE)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${release})
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS TRUE)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)

set(same_version "(= ${PROJECT_VERSION}-${release})")
set(library_package ${CPACK_DEBIAN_LIBRARY_PACKAGE_NAME})
set(about "RNN, LSTM and GRU layers and cells, forward and backward, with the numbers of\ntorch.nn and no framework behind them.")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "${about}")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${package_files}/shlibs ${package_files}/triggers)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "${about}\n\nHeaders, pkg-config file and CMake package.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${library_package} ${same_version}")
set(CPACK_COMPONENT_TOOLS_DESCRIPTION "${about}\n\nThe command rondo: info, explain, verify and bench.")
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION science)
set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "${library_package} ${same_version}")
# cuBLAS and cuDNN come from NVIDIA under many names; where they are not, the library says so.
set(CPACK_COMPONENT_CUDA_DESCRIPTION "${about}\n\nThe GPU back ends, which need cuBLAS and cuDNN.")
set(CPACK_DEBIAN_CUDA_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_CUDA_PACKAGE_SHLIBDEPS FALSE)
set(CPACK_DEBIAN_CUDA_PACKAGE_DEPENDS "${library_package} ${same_version}, libc6, libgcc-s1, libstdc++6")
include(CPack)
