// Verification of an export's folder with nothing but the folder and the public key.
#pragma once

#include <string>

#include "absl/types/span.h"
#include "audit/tlog/note.h"
#include "audit/verify/report.h"

namespace yizhan::audit {

// Checks everything that docs/formats/export.md lists under "What is verified", and goes on after a problem wherever
// that makes sense, so that the report names all that does not fit. Memory does not grow with the export, but for eight
// bytes an item. Never crashes on what is in the folder, and follows no links out of it.
Report VerifyExport(const std::string& dir, absl::Span<const NoteKey> keys);

}  // namespace yizhan::audit
