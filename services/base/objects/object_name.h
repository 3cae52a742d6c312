// The names of objects, and the limits, as object_store.h has them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace yizhan::objects {

bool IsName(std::string_view name);

// The beginning of a name, or empty.
bool IsNamePrefix(std::string_view prefix);

// InvalidArgument (OBJECT_NAME) says what a name is.
absl::Status CheckName(const std::string& name);
absl::Status CheckNamePrefix(const std::string& prefix);

// InvalidArgument (OBJECT_NAME, OBJECT_SIZE).
absl::Status CheckObject(const std::string& name, std::string_view bytes);

// The most objects of a listing, and the status for more.
inline constexpr size_t kMaxListed = 1'000'000;
absl::Status TooManyObjects(const std::string& place, const std::string& prefix);

}  // namespace yizhan::objects
