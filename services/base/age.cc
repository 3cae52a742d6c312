// Files: a header that wraps the file key for each recipient, and a payload of chunks that are sealed with it.
#include "base/age.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/age_crypto.h"
#include "base/age_header.h"
#include "base/status.h"

namespace yizhan::age {
namespace {

constexpr size_t kChunk = 64 * 1024;
constexpr size_t kSealedChunk = kChunk + Aead::kTag;
constexpr size_t kNonce = 16;
using FileKey = Wiped<16>;

Wiped<32> WrapKey(const Wiped<32>& shared, const Bytes32& share, const Bytes32& recipient) {
  return Hkdf(View(shared), absl::StrCat(AbslView(View(share)), AbslView(View(recipient))),
              "age-encryption.org/v1/X25519");
}

// Of the header up to and including its "---".
Bytes32 HeaderMac(const FileKey& file_key, std::string_view header) {
  return HmacSha256(Hkdf(View(file_key), "", "header"), header);
}

// Counts from zero; the last byte tells the final chunk from the others.
Aead::Nonce ChunkNonce(uint64_t chunk, bool is_last) {
  Aead::Nonce nonce = {};
  for (int i = 0; i < 8; ++i) nonce[10 - i] = static_cast<uint8_t>(chunk >> (8 * i));
  nonce[11] = is_last ? 1 : 0;
  return nonce;
}

void AppendStanza(const FileKey& file_key, const Recipient& recipient, std::string* header) {
  Wiped<32> secret, shared;
  FillRandom(secret.data(), secret.size());
  const Bytes32 share = PublicOf(secret);
  // A Recipient is never of low order: it was parsed, or made of an identity.
  Must(SharedSecret(secret, recipient.point(), &shared));
  std::array<char, 32> body;
  Aead(WrapKey(shared, share, recipient.point())).Seal(Aead::Nonce{}, View(file_key), body.data());
  absl::StrAppend(header, "-> X25519 ", Base64(View(share)), "\n", Base64({body.data(), body.size()}), "\n");
}

// The file key, by the first identity for which a stanza opens.
absl::StatusOr<FileKey> Unwrap(const Header& header, absl::Span<const Identity> identities) {
  for (const Identity& identity : identities) {
    for (const Stanza& stanza : header.stanzas) {
      Wiped<32> shared;
      if (!SharedSecret(identity.secret(), stanza.share, &shared)) {
        return Damaged(absl::StrCat("the share on line ", stanza.line, " of its header is a point of low order"));
      }
      FileKey file_key;
      Aead aead(WrapKey(shared, stanza.share, identity.recipient().point()));
      if (aead.Open(Aead::Nonce{}, View(stanza.body), reinterpret_cast<char*>(file_key.data()))) return file_key;
    }
  }
  return Refuse(absl::StatusCode::kPermissionDenied, "AGE_NO_MATCH",
                absl::StrCat("this age file is for ", header.stanzas.size(), " X25519 recipients and ", header.others,
                             " of other kinds, and none of the ", identities.size(),
                             " identities given is one of theirs: give the identity of one of its recipients"));
}

// What is wrong with a chunk that does not open as what it seems to be.
absl::Status BadChunk(Aead* aead, uint64_t chunk, bool is_last, std::string_view sealed, char* out) {
  const bool otherwise = aead->Open(ChunkNonce(chunk, !is_last), sealed, out);
  OPENSSL_cleanse(out, sealed.size() - Aead::kTag);
  if (otherwise) {
    return Damaged(absl::StrCat(is_last ? "it was cut off behind chunk " : "it goes on behind its end, chunk ",
                                chunk + 1, " of its payload"));
  }
  return Damaged(absl::StrCat("chunk ", chunk + 1, " of its payload (from byte ", chunk * kChunk, " of the content, ",
                              sealed.size() - Aead::kTag, " bytes",
                              is_last ? ", the last) was changed, or does not end where it did" : ") was changed"));
}

absl::StatusOr<std::string> OpenPayload(const FileKey& file_key, std::string_view payload) {
  if (payload.size() < kNonce + Aead::kTag) return Damaged("it was cut off at the beginning of its payload");
  Aead aead(Hkdf(View(file_key), payload.substr(0, kNonce), "payload"));
  payload.remove_prefix(kNonce);
  const uint64_t chunks = (payload.size() + kSealedChunk - 1) / kSealedChunk;
  const size_t rest = payload.size() - (chunks - 1) * kSealedChunk;
  if (rest < Aead::kTag)
    return Damaged(absl::StrCat("it does not end where chunk ", chunks, " of its payload can end"));
  if (rest == Aead::kTag && chunks > 1) return Damaged(absl::StrCat("chunk ", chunks, " of its payload is empty"));
  std::string plaintext(payload.size() - chunks * Aead::kTag, '\0');
  for (uint64_t chunk = 0; chunk < chunks; ++chunk) {
    const bool is_last = chunk + 1 == chunks;
    const std::string_view sealed = payload.substr(chunk * kSealedChunk, kSealedChunk);
    char* const out = plaintext.data() + chunk * kChunk;
    if (aead.Open(ChunkNonce(chunk, is_last), sealed, out)) continue;
    absl::Status bad = BadChunk(&aead, chunk, is_last, sealed, out);
    OPENSSL_cleanse(plaintext.data(), chunk * kChunk);
    return bad;
  }
  return plaintext;
}

}  // namespace

absl::StatusOr<std::string> Encrypt(std::string_view plaintext, absl::Span<const Recipient> recipients) {
  if (recipients.empty() || recipients.size() > kMaxRecipients) {
    return Refuse(absl::StatusCode::kInvalidArgument, "AGE_RECIPIENTS",
                  absl::StrCat("an age file is for 1 to ", kMaxRecipients, " recipients, not for ", recipients.size()));
  }
  FileKey file_key;
  FillRandom(file_key.data(), file_key.size());
  std::string header(kVersionLine);
  for (const Recipient& recipient : recipients) AppendStanza(file_key, recipient, &header);
  header += "---";
  absl::StrAppend(&header, " ", Base64(View(HeaderMac(file_key, header))), "\n");

  std::array<uint8_t, kNonce> nonce;
  FillRandom(nonce.data(), nonce.size());
  Aead aead(Hkdf(View(file_key), View(nonce), "payload"));
  // An empty plaintext is one empty chunk; no other chunk is empty.
  const uint64_t chunks = plaintext.empty() ? 1 : (plaintext.size() + kChunk - 1) / kChunk;
  std::string file(header.size() + kNonce + plaintext.size() + chunks * Aead::kTag, '\0');
  char* out = file.data();
  std::memcpy(out, header.data(), header.size());
  std::memcpy(out += header.size(), nonce.data(), kNonce);
  out += kNonce;
  for (uint64_t chunk = 0; chunk < chunks; ++chunk) {
    const std::string_view plain = plaintext.substr(chunk * kChunk, kChunk);
    aead.Seal(ChunkNonce(chunk, chunk + 1 == chunks), plain, out);
    out += plain.size() + Aead::kTag;
  }
  return file;
}

absl::StatusOr<std::string> Decrypt(std::string_view file, absl::Span<const Identity> identities) {
  YZ_ASSIGN_OR_RETURN(const Header header, ReadHeader(file));
  YZ_ASSIGN_OR_RETURN(const FileKey file_key, Unwrap(header, identities));
  const Bytes32 mac = HeaderMac(file_key, file.substr(0, header.mac_size));
  if (CRYPTO_memcmp(mac.data(), header.mac.data(), mac.size()) != 0) return Damaged("its header was changed");
  return OpenPayload(file_key, file.substr(header.size));
}

}  // namespace yizhan::age
