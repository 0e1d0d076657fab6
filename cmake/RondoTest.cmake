# Helpers for tests: Catch2 2 or 3, found once, and one function for a Catch2 executable whose cases CTest lists one by one.
# rondo_catch is Catch2 with a main(): Catch2 3 brings one, Debian 12's 2.13 takes ours, compiled once because that is slow.
find_package(Catch2 REQUIRED)
find_package(nlohmann_json REQUIRED)
include(Catch)

# Exit status by which a script tells CTest "skipped".
set(RONDO_SKIP_CODE 77)

add_library(rondo_catch STATIC ${PROJECT_SOURCE_DIR}/tests/support/main.cpp)
if(Catch2_VERSION VERSION_LESS 3)
  target_link_libraries(rondo_catch PUBLIC Catch2::Catch2)
else()
  target_link_libraries(rondo_catch PUBLIC Catch2::Catch2WithMain)
endif()

# For tests that run device code in fibers: the address sanitizer's fake stacks would be one a fiber, a large mapping every
# time, and took most of such a test's time.
set(RONDO_NO_FAKE_STACKS "ASAN_OPTIONS=string_append::detect_stack_use_after_return=0")

# rondo_catch_test(NAME LABEL label SOURCES ... LIBRARIES ... [ENVIRONMENT NAME=value] [FIBERS]): executable NAME, its cases
# as tests "label.case".
function(rondo_catch_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "FIBERS" "LABEL;ENVIRONMENT" "SOURCES;LIBRARIES")
  set(properties LABELS ${arg_LABEL} TIMEOUT 900)
  if(arg_ENVIRONMENT)  # an empty one would take the next word for its value
    list(APPEND properties ENVIRONMENT ${arg_ENVIRONMENT})
  endif()
  if(arg_FIBERS)
    list(APPEND properties ENVIRONMENT_MODIFICATION ${RONDO_NO_FAKE_STACKS})
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE
    ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/tests/support ${PROJECT_SOURCE_DIR}/tests/reference)
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} rondo_catch)
  catch_discover_tests(${name} TEST_PREFIX ${arg_LABEL}. PROPERTIES ${properties})
endfunction()

# rondo_script_test(NAME label command...): a test that is a command; it may exit with RONDO_SKIP_CODE.
function(rondo_script_test name label)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 900 SKIP_RETURN_CODE ${RONDO_SKIP_CODE})
endfunction()
