#include "admin/backup/sealed.h"

#include <zstd.h>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::admin {
namespace {
// Content is sealed already and does not shrink; what frames it does, at any level.
constexpr int kLevel = 3;
}  // namespace

absl::StatusOr<std::string> SealMessage(const google::protobuf::MessageLite& message,
                                        absl::Span<const age::Recipient> recipients) {
  if (message.ByteSizeLong() > kMaxPlainBytes)
    return absl::ResourceExhaustedError(
        absl::StrCat("a message of ", message.ByteSizeLong(), " bytes is too large to be backed up"));
  const std::string plain = message.SerializeAsString();
  std::string small(ZSTD_compressBound(plain.size()), '\0');
  const size_t size = ZSTD_compress(small.data(), small.size(), plain.data(), plain.size(), kLevel);
  if (ZSTD_isError(size)) return absl::InternalError(absl::StrCat("Zstandard: ", ZSTD_getErrorName(size)));
  small.resize(size);
  return age::Encrypt(small, recipients);
}

absl::Status OpenMessage(std::string_view sealed, absl::Span<const age::Identity> identities,
                         google::protobuf::MessageLite& message) {
  YZ_ASSIGN_OR_RETURN(const std::string small, age::Decrypt(sealed, identities));
  const unsigned long long size = ZSTD_getFrameContentSize(small.data(), small.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > kMaxPlainBytes)
    return absl::DataLossError("it is no Zstandard frame of a size that this program writes");
  std::string plain(size, '\0');
  const size_t got = ZSTD_decompress(plain.data(), plain.size(), small.data(), small.size());
  if (ZSTD_isError(got) || got != size) return absl::DataLossError("it cannot be decompressed");
  if (!message.ParseFromString(plain)) return absl::DataLossError(absl::StrCat("it holds no ", message.GetTypeName()));
  return absl::OkStatus();
}

}  // namespace yizhan::admin
