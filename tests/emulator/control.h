// The tests' hold on the emulator: the machine it plays, its faults, what is still alive, and how long work takes.
// One state for the process: a program and the modules it loads must share one emulator library for these to reach
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace rondo_emulator {

// Starts from RONDO_EMULATOR_DEVICES, RONDO_EMULATOR_CAPABILITY, RONDO_EMULATOR_DRIVER and RONDO_EMULATOR_SEED.
struct Settings {
  int devices = 2;
  int capability = 90;
  int driver = 13000;                // 0: no driver
  uint64_t seed = 1;                 // of the order of blocks and threads
  size_t memory = size_t{16} << 30;  // bytes of each device
  int multiprocessors = 16;          // of each; sixteen share a cluster at most
};
Settings settings();
// Not while anything lives on a device that goes.
void configure(const Settings &settings);

// The first fault, empty without one. forget_fault() also drops what still stood in streams.
std::string faults();
void forget_fault();

// What was made and not destroyed.
struct Live {
  int64_t allocations, bytes, streams, events, graphs, handles;
};
Live live();

// Units of time an operation takes, by label: "kernel" ("cooperative kernel", "cluster kernel", with dynamic shared
// memory otherwise "block kernel"), "copy", "set", "product", or what enqueue() was told. One unit without a function.
// A unit is a microsecond to cudaEventElapsedTime.
void set_cost(std::function<double(const char *label)> cost);
// Operations run so far, on all streams.
int64_t operations_run();

}  // namespace rondo_emulator
