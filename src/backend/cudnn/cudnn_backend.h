// The cuDNN back end: NVIDIA's recurrent networks, with rondo's parameters, sequences and dropout around them.
#pragma once

#include "backend/backend.h"

namespace rondo::cudnn {

const Backend &cudnn_backend();

}  // namespace rondo::cudnn
