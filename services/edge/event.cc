#include "edge/session_router.h"

namespace yizhan::edge {

const yizhan::live::v1::ServerFrame& Event::parsed() const {
  std::call_once(parsed_once_, [this] {
    if (!parsed_.ParseFromString(*frame_)) parsed_.Clear();
  });
  return parsed_;
}

}  // namespace yizhan::edge
