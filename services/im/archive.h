// A person's messages across conversations, by message id.
#pragma once

#include "absl/status/statusor.h"
#include "im/core.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::im {

class Archive {
 public:
  explicit Archive(const Core* core) : core_(core) {}

  // Merges the caller's direct conversations, or reads one. A conversation is touched only when its ids reach into the page, so a page
  // costs by its length and not by how many conversations there are.
  // InvalidArgument INVALID_PERSON_ID, AMBIGUOUS (person and conversation given); CONVERSATION_NOT_FOUND for a group that is not the
  // caller's. A person to whom the caller never wrote gives an empty, complete page.
  absl::StatusOr<v1::ListArchiveResponse> List(const Caller& caller, const v1::ListArchiveRequest& request) const;

 private:
  const Core* const core_;
};

}  // namespace yizhan::im
