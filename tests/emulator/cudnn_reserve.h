// The stand-in's reserve: everything that backward needs, inside the bytes, so that a copy of them serves as well.
// A checksum over them tells when anyone but cuDNN wrote there.
#pragma once

#include <vector>

#include "cudnn_state.h"

namespace rondo_emulator::cudnn {

using Doubles = std::vector<double>;

// Device memory of one call, by the documentation's words not monotonic in T and N: with
// RONDO_EMULATOR_CUDNN_SIZES=uneven it is not, else it grows with both.
size_t workspace_bytes(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &x);
size_t reserve_bytes(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &x);

// Positions in order of calls.
enum class Stage : uint64_t { forward = 1, data = 2 };

// What forward saw, told again by backward; equal numbers mean equal values.
struct Seen {
  uint64_t network, sequences;
  uint64_t x, hx, cx, y, weights;
};

// What cuDNN may have to remember of values; which are there depends on the stage.
struct Kept {
  Doubles x;             // forward
  Doubles cx;            // both
  Doubles weights;       // both, the parameters one after the other
  Doubles dy, dhn, dcn;  // data
};

class Reserve {
 public:
  Reserve(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &x, void *memory, size_t size);

  // Overwrites all of the memory: what is not kept, with NaN.
  void write(Stage stage, const Seen &seen, const Kept &kept);
  // Why it cannot be read as of this stage, empty where it can.
  std::string read(Stage stage, Seen *seen, Kept *kept) const;

 private:
  struct Part {
    Doubles Kept::*values;
    size_t offset, count;
  };

  uint64_t checksum() const;

  test::Dtype type_;
  unsigned char *memory_;
  size_t size_, used_;
  std::vector<Part> forward_, data_;
};

uint64_t hash_of(const Doubles &values);

}  // namespace rondo_emulator::cudnn
