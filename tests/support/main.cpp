// The entry point of every test program, for either generation of Catch2.
// With 3.x it comes from Catch2::Catch2WithMain, which the build links; then this file is empty on purpose.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#if defined(__GNUC__) && !defined(__clang__)
// With sanitizers on, GCC 12 suspects the standard library's own regex, which Catch2's main uses.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#endif
#include "catch.h"
