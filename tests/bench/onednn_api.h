// oneDNN's C++ interface as the peer uses it, the same for releases 2 and 3.
// Release 2 makes a primitive's description from a desc object, release 3 from the same arguments themselves.
#pragma once

#include <dnnl.hpp>

namespace rondo::bench {

template <class Forward, class... Arguments>
typename Forward::primitive_desc describe_forward(const dnnl::engine &engine, const Arguments &...arguments) {
#if DNNL_VERSION_MAJOR < 3
  return {typename Forward::desc(arguments...), engine};
#else
  return {engine, arguments...};
#endif
}

// Hint is the forward primitive's description: both must agree on the workspace.
template <class Backward, class Hint, class... Arguments>
typename Backward::primitive_desc describe_backward(const dnnl::engine &engine, const Hint &hint,
                                                    const Arguments &...arguments) {
#if DNNL_VERSION_MAJOR < 3
  return {typename Backward::desc(arguments...), engine, hint};
#else
  return {engine, arguments..., hint};
#endif
}

}  // namespace rondo::bench
