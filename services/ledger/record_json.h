// A record for people's eyes.
#pragma once

#include <string>

#include "ledger/ledger.h"

namespace yizhan::ledger {

// One line of JSON without its end: the envelope's fields by their names ("time" in RFC 3339, UTC), and "payload" as
// the JSON of the service's record message where that message is linked into this program, else "payload_base64"; bytes
// are base64. Sealed content stays sealed.
std::string RecordJson(const Record& record);

}  // namespace yizhan::ledger
