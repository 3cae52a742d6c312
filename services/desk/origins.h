// Which sites may embed a channel's widget.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "yizhan/desk/v1/reception.pb.h"

namespace yizhan::desk {

// What a channel may name: "*", or an origin as browsers write it ("https://www.bank.example", "http://10.0.0.7:8080").
// InvalidArgument (ORIGIN_INVALID) otherwise: it goes into a header, and it is compared letter by letter.
absl::Status CheckOrigin(std::string_view origin);

// Whether a page of `origin` may begin a visit of the channel; empty: not a foreign page. PermissionDenied
// (ORIGIN_NOT_ALLOWED).
absl::Status CheckEmbedding(const yizhan::desk::v1::Channel& channel, const std::string& origin);

}  // namespace yizhan::desk
