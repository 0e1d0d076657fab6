# The GPU back ends: whether they are built, for which architectures, and one function that makes a module.
# RONDO_CUDA is TRUE where they are; the emulated modules of the tests need no toolkit and are always built.

set(RONDO_WITH_CUDA AUTO CACHE STRING "Build the GPU back ends: AUTO (where a CUDA toolkit and cuDNN are found), ON or OFF")
set(RONDO_CUDA_ARCHITECTURES quick CACHE STRING
  "What the GPU kernels are compiled for: quick (80, 90a, 120), all, or a list as 70;80;90a+PTX (CUDA 12 for 70)")
set_property(CACHE RONDO_WITH_CUDA PROPERTY STRINGS AUTO ON OFF)

# ---- what both sides of the seam must agree on -------------------------------------------------------------------

# The headers whose layouts cross between the library and a module.
file(GLOB shared_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/core/*.h ${PROJECT_SOURCE_DIR}/src/backend/*.h
  ${PROJECT_SOURCE_DIR}/include/rondo/rondo.h)
set(hashes "")
foreach(header ${shared_headers})
  file(SHA256 ${header} hash)
  string(APPEND hashes ${hash})
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
endforeach()
string(SHA256 hash "${hashes}${CMAKE_BUILD_TYPE}${RONDO_SANITIZE}")
string(SUBSTRING ${hash} 0 12 hash)
set(RONDO_BUILD_TEXT "${PROJECT_VERSION}-${hash}-${CMAKE_CXX_COMPILER_ID}${CMAKE_CXX_COMPILER_VERSION}")

# ---- the toolkit -------------------------------------------------------------------------------------------------

set(RONDO_CUDA FALSE)
set(why "")
if(NOT RONDO_WITH_CUDA)
  set(why "RONDO_WITH_CUDA is OFF")
elseif(RONDO_SANITIZE OR RONDO_COVERAGE)
  set(why "sanitized and counted builds have the emulated back ends only")
else()
  find_package(CUDAToolkit QUIET)
  if(NOT CUDAToolkit_FOUND)
    set(why "no CUDA toolkit was found")
  else()
    find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
    find_library(CUDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR})
    if(CUDNN_INCLUDE_DIR AND CUDNN_LIBRARY)
      set(RONDO_CUDA TRUE)
    else()
      set(why "no cuDNN was found beside the CUDA toolkit")
    endif()
  endif()
endif()
if(RONDO_WITH_CUDA AND NOT RONDO_WITH_CUDA STREQUAL AUTO AND NOT RONDO_CUDA)
  message(FATAL_ERROR "RONDO_WITH_CUDA=${RONDO_WITH_CUDA}, but ${why}")
endif()

if(RONDO_CUDA)
  if(NOT DEFINED CMAKE_CUDA_COMPILER AND EXISTS ${CUDAToolkit_NVCC_EXECUTABLE})
    set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})
  endif()
  set(CMAKE_CUDA_ARCHITECTURES OFF) # written out below: one list says what is machine code and what is PTX
  enable_language(CUDA)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
    # CMake 3.25 does not know that nvcc has it.
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  endif()
  set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
  set(architectures ${RONDO_CUDA_ARCHITECTURES})
  if(architectures STREQUAL quick)
    set(architectures 80 90a 120)
  elseif(architectures STREQUAL all)
    set(architectures 75 80+PTX 86 89 90a 100 120+PTX)
  endif()
  set(RONDO_GENCODE "")
  set(smallest 999)
  foreach(architecture ${architectures})
    string(REPLACE "+PTX" "" sm ${architecture})
    list(APPEND RONDO_GENCODE "SHELL:-gencode arch=compute_${sm},code=sm_${sm}")
    if(architecture MATCHES PTX)
      list(APPEND RONDO_GENCODE "SHELL:-gencode arch=compute_${sm},code=compute_${sm}")
    endif()
    string(REGEX MATCH "^[0-9]+" number ${sm})
    if(number LESS smallest)
      set(smallest ${number})
    endif()
  endforeach()
  set(RONDO_CUDA_MIN_CAPABILITY ${smallest})
  message(STATUS "GPU back ends: CUDA ${CUDAToolkit_VERSION}, ${CUDNN_LIBRARY}, architectures ${architectures}")
else()
  message(STATUS "GPU back ends: not built: ${why}")
endif()

# ---- a module ----------------------------------------------------------------------------------------------------

# rondo_gpu_objects(TARGET fused|cudnn LIBRARIES ...): the host code of a back end and what it shares with the other.
function(rondo_gpu_objects target name)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "LIBRARIES")
  file(GLOB sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/src/backend/cuda/*.cpp ${PROJECT_SOURCE_DIR}/src/backend/${name}/*.cpp)
  add_library(${target} OBJECT ${sources})
  target_link_libraries(${target} PRIVATE rondo_internal ${arg_LIBRARIES})
  # The sources that a proof on hardware is a proof of.
  execute_process(COMMAND ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/tests/gpu_results/kernel_hash.py
    ${PROJECT_SOURCE_DIR} ${name} OUTPUT_VARIABLE hash OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB hashed CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/kernels/cell/* ${PROJECT_SOURCE_DIR}/kernels/cuda/*
    ${PROJECT_SOURCE_DIR}/src/backend/cuda/* ${PROJECT_SOURCE_DIR}/src/backend/${name}/*)
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${hashed})
  target_compile_definitions(${target} PRIVATE RONDO_KERNEL_HASH="${hash}")
endfunction()

# rondo_gpu_module(TARGET fused|cudnn DIRECTORY dir OBJECTS ... LIBRARIES ...): librondo_<name>.so there.
function(rondo_gpu_module target name)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "DIRECTORY" "OBJECTS;LIBRARIES")
  add_library(${target} MODULE $<TARGET_OBJECTS:rondo_core> ${arg_OBJECTS})
  target_link_libraries(${target} PRIVATE Threads::Threads ${arg_LIBRARIES})
  set_target_properties(${target} PROPERTIES PREFIX lib OUTPUT_NAME rondo_${name} LIBRARY_OUTPUT_DIRECTORY ${arg_DIRECTORY}
    LINKER_LANGUAGE CXX LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/module.map)
  target_link_options(${target} PRIVATE LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/module.map)
  if(NOT RONDO_SANITIZE)
    target_link_options(${target} PRIVATE LINKER:--no-undefined)
  endif()
endfunction()
