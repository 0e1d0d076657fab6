// Lists back ends through the public header.
// Texts of the list are the library's own and static.
#include "cli/backends.h"

#include <string>

#include "cli/errors.h"

namespace rondo::cli {

std::vector<rondo_backend_info_t> backends() {
  std::vector<rondo_backend_info_t> list;
  for (int32_t index = 0; index < rondo_backend_count(); ++index) {
    rondo_backend_info_t info{};
    info.struct_size = sizeof info;
    check(rondo_backend_info(index, &info));
    list.push_back(info);
  }
  return list;
}

void require_available(rondo_backend_t backend) {
  for (const rondo_backend_info_t &info : backends()) {
    if (info.id == backend && info.available == 0) {
      throw LibraryError(RONDO_ERROR_UNSUPPORTED, std::string("back end ") + info.name + " is missing: " + info.detail);
    }
  }
}

}  // namespace rondo::cli
