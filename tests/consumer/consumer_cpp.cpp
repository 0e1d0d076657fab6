// A caller outside the project in C++: the installed rondo.hpp, one plan and one refusal.
// What the calls compute is consumer.c's subject.
#include <cstdio>
#include <cstring>
#include <rondo/rondo.hpp>

int main() {
  try {
    rondo::context context;
    rondo::rnn gru;
    gru.set(RONDO_ATTR_CELL, RONDO_CELL_GRU).set(RONDO_ATTR_INPUT_SIZE, 3).set(RONDO_ATTR_HIDDEN_SIZE, 4);
    const rondo::plan plan(context, gru, rondo::problem(RONDO_TRAINING, RONDO_SEQUENCE_FULL, 5, 2));
    std::printf("consumer_cpp: back end %s, workspace %lld bytes\n", plan.backend_name(),
                static_cast<long long>(plan.workspace_size()));
    gru.set(RONDO_ATTR_HIDDEN_SIZE, 0);
  } catch (const rondo::error &error) {
    return std::strstr(error.what(), "hidden_size is 0") != nullptr ? 0 : 1;
  }
  std::printf("hidden_size 0 was not refused\n");
  return 1;
}
