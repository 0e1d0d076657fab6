// Stand-ins for the runtime's calls about kernels: what is set of one, what of it fits on the device, and launches.
// What a launch asks for is checked when it is asked for; the threads run later.
#include <algorithm>
#include <cstring>

#include "runner.h"
#include "runtime.h"

using rondo_emulator::Allocation;
using rondo_emulator::call;
using rondo_emulator::give;
using rondo_emulator::KernelSettings;
using rondo_emulator::kMostThreads;
using rondo_emulator::kMultiprocessorsOfCluster;
using rondo_emulator::kPlainShared;
using rondo_emulator::kPortableCluster;
using rondo_emulator::kReservedShared;
using rondo_emulator::Launch;
using rondo_emulator::Limits;
using rondo_emulator::limits_of;
using rondo_emulator::mine;
using rondo_emulator::Operation;
using rondo_emulator::State;
using rondo_emulator::Stream;
using rondo_emulator::stream_call;

namespace {

// The device another than `device` whose memory an argument points to, or -1.
int foreign_device(const State &all, const rondo_emulator::Argument &argument, int device) {
  for (size_t at = 0; at + sizeof(void *) <= argument.size; at += sizeof(void *)) {
    const void *pointer = nullptr;
    std::memcpy(&pointer, static_cast<const char *>(argument.bytes) + at, sizeof pointer);
    const Allocation *allocation = all.memory.find(pointer);
    if (allocation != nullptr && allocation->device != device) {
      return allocation->device;
    }
  }
  return -1;
}

bool valid(const dim3 &grid, const dim3 &block) {
  constexpr unsigned kMostX = 0x7fffffff;
  constexpr unsigned kMostYZ = 65535;
  const auto within = [](unsigned value, unsigned most) { return value >= 1 && value <= most; };
  return within(grid.x, kMostX) && within(grid.y, kMostYZ) && within(grid.z, kMostYZ) && within(block.x, 1024) &&
         block.y == 1 && block.z == 1;
}

KernelSettings settings_of(const State &all, const void *kernel) {
  const auto at = all.kernels.find({mine().device, kernel});
  return at == all.kernels.end() ? KernelSettings{} : at->second;
}

// Kernels here have no registers; threads and shared memory decide.
int blocks_of_multiprocessor(const Limits &limits, unsigned threads, size_t dynamic_bytes) {
  const auto shared = static_cast<size_t>(limits.shared_of_multiprocessor);
  const unsigned whole_warps = (threads + 31) / 32 * 32;
  const size_t of_block = dynamic_bytes + static_cast<size_t>(kReservedShared);
  return std::min({limits.blocks, limits.threads / static_cast<int>(whole_warps), static_cast<int>(shared / of_block)});
}

int64_t active_clusters(const State &all, unsigned threads, size_t dynamic_bytes, int64_t cluster) {
  const int64_t blocks = blocks_of_multiprocessor(limits_of(all.settings.capability), threads, dynamic_bytes);
  const int64_t parts = all.settings.multiprocessors / kMultiprocessorsOfCluster;
  const int64_t rest = all.settings.multiprocessors % kMultiprocessorsOfCluster;
  return parts * (blocks * kMultiprocessorsOfCluster / cluster) + blocks * rest / cluster;
}

int64_t blocks_of_cluster(const Launch &launch) {
  return int64_t{launch.cluster[0]} * launch.cluster[1] * launch.cluster[2];
}

// What a launch asks for, whether or not the device can hold it at once.
cudaError_t read(const State &all, const cudaLaunchConfig_t &config, const void *kernel, Launch *launch) {
  *launch = Launch{{config.gridDim.x, config.gridDim.y, config.gridDim.z},
                   config.blockDim.x,
                   false,
                   {1, 1, 1},
                   false,
                   config.dynamicSmemBytes,
                   static_cast<size_t>(limits_of(all.settings.capability).shared_of_block)};
  const Limits limits = limits_of(all.settings.capability);
  const KernelSettings settings = settings_of(all, kernel);
  if (!valid(config.gridDim, config.blockDim)) {
    return cudaErrorInvalidConfiguration;
  }
  if (config.dynamicSmemBytes > static_cast<size_t>(std::min(settings.dynamic_shared, limits.shared_of_block))) {
    return cudaErrorInvalidValue;
  }
  bool clusters = false;
  for (unsigned k = 0; k < config.numAttrs; ++k) {
    const cudaLaunchAttribute &attribute = config.attrs[k];
    switch (attribute.id) {
      case cudaLaunchAttributeIgnore:
        break;
      case cudaLaunchAttributeCooperative:
        launch->cooperative = attribute.val.cooperative != 0;
        break;
      case cudaLaunchAttributeClusterDimension:
        clusters = true;
        launch->cluster[0] = attribute.val.clusterDim.x;
        launch->cluster[1] = attribute.val.clusterDim.y;
        launch->cluster[2] = attribute.val.clusterDim.z;
        break;
      case cudaLaunchAttributeProgrammaticStreamSerialization:
        launch->overlaps = attribute.val.programmaticStreamSerializationAllowed != 0;
        break;
      default:
        return cudaErrorInvalidValue;
    }
  }
  if ((launch->overlaps || clusters) && limits.largest_cluster == 1) {
    return cudaErrorNotSupported;
  }
  for (int k = 0; k < 3; ++k) {
    if (launch->cluster[k] == 0 || launch->grid[k] % launch->cluster[k] != 0) {
      return cudaErrorInvalidClusterSize;
    }
  }
  return blocks_of_cluster(*launch) > (settings.any_cluster ? limits.largest_cluster : kPortableCluster)
             ? cudaErrorInvalidClusterSize
             : cudaSuccess;
}

// Whether it can.
cudaError_t fits(const State &all, const Launch &launch) {
  const int64_t cluster = blocks_of_cluster(launch);
  const int64_t active = active_clusters(all, launch.threads, launch.dynamic_bytes, cluster);
  if (cluster > 1 && active == 0) {
    return cudaErrorInvalidClusterSize;
  }
  const uint64_t blocks = uint64_t{launch.grid[0]} * launch.grid[1] * launch.grid[2];
  return launch.cooperative && blocks > static_cast<uint64_t>(active * cluster) ? cudaErrorCooperativeLaunchTooLarge
                                                                                : cudaSuccess;
}

// For set_cost().
const char *label_of(const Launch &launch) {
  if (launch.cooperative) {
    return "cooperative kernel";
  }
  if (blocks_of_cluster(launch) > 1) {
    return "cluster kernel";
  }
  return launch.dynamic_bytes > 0 ? "block kernel" : "kernel";
}

}  // namespace

namespace rondo_emulator {

cudaError_t enqueue_kernel(const cudaLaunchConfig_t &config, const void *kernel, const Argument *arguments,
                           size_t count, std::function<void()> thread) {
  return stream_call(config.stream, [&](State &all, const std::shared_ptr<Stream> &stream) {
    if (stream->device != mine().device) {
      return cudaErrorInvalidResourceHandle;
    }
    Launch launch{};
    cudaError_t error = read(all, config, kernel, &launch);
    if (error == cudaSuccess) {
      error = fits(all, launch);
    }
    if (error != cudaSuccess) {
      return error;
    }
    for (size_t k = 0; k < count; ++k) {
      if (const int other = foreign_device(all, arguments[k], stream->device); other >= 0) {
        set_fault("parameter " + std::to_string(k) + " of a kernel on device " + std::to_string(stream->device) +
                  " points to memory of device " + std::to_string(other));
        all.streams.drop_all();
        return cudaErrorLaunchFailure;
      }
    }
    return all.streams.submit(
        stream,
        Operation{[launch, body = std::move(thread)] { run_kernel(launch, body); }, label_of(launch), {}, true});
  });
}

}  // namespace rondo_emulator

extern "C" {

cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value) {
  return call([&](State &all) {
    if (kernel == nullptr) {
      return cudaErrorInvalidDeviceFunction;
    }
    const Limits limits = limits_of(all.settings.capability);
    KernelSettings &settings = all.kernels[{mine().device, kernel}];
    switch (attribute) {
      case cudaFuncAttributeMaxDynamicSharedMemorySize:
        if (value < 0 || value > limits.shared_of_block) {
          return cudaErrorInvalidValue;
        }
        settings.dynamic_shared = value;
        return cudaSuccess;
      case cudaFuncAttributeNonPortableClusterSizeAllowed:
        if (limits.largest_cluster == 1) {
          return cudaErrorNotSupported;
        }
        settings.any_cluster = value != 0;
        return cudaSuccess;
    }
    return cudaErrorInvalidValue;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *kernel, int threads,
                                                          size_t dynamic_bytes) {
  return call([&](State &all) {
    if (kernel == nullptr) {
      return cudaErrorInvalidDeviceFunction;
    }
    if (threads < 1 || threads > kMostThreads) {
      return cudaErrorInvalidValue;
    }
    return give(blocks, blocks_of_multiprocessor(limits_of(all.settings.capability), static_cast<unsigned>(threads),
                                                 dynamic_bytes));
  });
}

cudaError_t cudaOccupancyMaxActiveClusters(int *clusters, const void *kernel, const cudaLaunchConfig_t *config) {
  return call([&](State &all) {
    if (kernel == nullptr || config == nullptr) {
      return kernel == nullptr ? cudaErrorInvalidDeviceFunction : cudaErrorInvalidValue;
    }
    Launch launch{};
    const cudaError_t error = read(all, *config, kernel, &launch);
    return error != cudaSuccess
               ? error
               : give(clusters, static_cast<int>(active_clusters(all, launch.threads, launch.dynamic_bytes,
                                                                 blocks_of_cluster(launch))));
  });
}

cudaError_t cudaOccupancyMaxPotentialClusterSize(int *blocks, const void *kernel, const cudaLaunchConfig_t *config) {
  return call([&](State &all) {
    if (kernel == nullptr || config == nullptr) {
      return kernel == nullptr ? cudaErrorInvalidDeviceFunction : cudaErrorInvalidValue;
    }
    const Limits limits = limits_of(all.settings.capability);
    if (limits.largest_cluster == 1) {
      return cudaErrorNotSupported;
    }
    int most = settings_of(all, kernel).any_cluster ? limits.largest_cluster
                                                    : std::min(limits.largest_cluster, kPortableCluster);
    while (most > 1 && active_clusters(all, config->blockDim.x, config->dynamicSmemBytes, most) == 0) {
      most /= 2;
    }
    return give(blocks, most);
  });
}

}  // extern "C"
