// Catch2, whichever of its two generations is installed (2.13 is one header, 3.x many).
// Tests include this file and never Catch2's own.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
