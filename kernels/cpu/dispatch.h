// Which instruction set this process's kernels use: the best that the machine has, or the best below a limit.
// Kept apart from Highway's own choice, which every user of Highway in the process shares.
#pragma once

#include <hwy/highway.h>

namespace rondo::kernels {

// `best` names an instruction set as kernels().target does, in any case. False where it is none. Call it before the
// first kernels().
bool limit_instruction_set(const char *best);
bool instruction_set_is_limited();

const hwy::ChosenTarget &chosen_target();

}  // namespace rondo::kernels

// Calls a function that HWY_EXPORT exported, for the chosen instruction set.
#if (HWY_TARGETS & (HWY_TARGETS - 1)) == 0
#define RONDO_DISPATCH(function) HWY_STATIC_DISPATCH(function)
#else
#define RONDO_DISPATCH(function) (*(HWY_DISPATCH_TABLE(function)[::rondo::kernels::chosen_target().GetIndex()]))
#endif
