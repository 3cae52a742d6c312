// C2SP signed-note (c2sp.org/signed-note): a text, a blank line, and signature lines
//   — <key name> base64(key id, 4 bytes big-endian || signature)
// with Ed25519 keys (signature type 0x01) in the two text forms that Go's note package introduced:
//   public   <name>+<key id, 8 hex digits>+<base64(0x01 || public key)>
//   private  PRIVATE+KEY+<name>+<key id, 8 hex digits>+<base64(0x01 || seed)>
// Everything here is a value or a const member function: safe from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace yizhan::audit {

inline constexpr size_t kMaxNoteBytes = 1 << 20;
inline constexpr size_t kMaxNoteSignatures = 64;  // the specification asks for 16 or more

struct NoteSignature {
  std::string key_name;
  uint32_t key_id = 0;
  std::string signature;  // raw, without the key id
  bool operator==(const NoteSignature&) const = default;
};

// A note as it was written; nothing about it is verified.
struct Note {
  std::string text;  // ends with '\n'
  std::vector<NoteSignature> signatures;
  bool operator==(const Note&) const = default;
};

// A key name is UTF-8, not empty, without '+' and Unicode spaces.
bool IsKeyName(std::string_view name);

// An Ed25519 public key with its name.
class NoteKey {
 public:
  // The key whose 32 bytes these are. InvalidArgument for a bad name or length.
  static absl::StatusOr<NoteKey> FromRaw(std::string_view name, std::string_view public_key);
  // The text form; white space around it is not taken. InvalidArgument when malformed, when the key id is not the one
  // of name and key, or when the algorithm is not Ed25519.
  static absl::StatusOr<NoteKey> Parse(std::string_view vkey);

  const std::string& name() const { return name_; }
  uint32_t id() const { return id_; }
  const std::string& public_key() const { return public_key_; }  // 32 bytes, RFC 8032
  std::string ToString() const;                                  // the text form
  // Name and id for a message: "archive.example/log+1a2b3c4d".
  std::string Label() const;

  bool Verify(std::string_view text, std::string_view signature) const;

  bool operator==(const NoteKey&) const = default;

 private:
  std::string name_;
  uint32_t id_ = 0;
  std::string public_key_;
};

// An Ed25519 private key with its name. Its seed is wiped from memory at the end.
class NoteSigner {
 public:
  // From 32 bytes of seed; from OpenSSL's random generator; from the text form.
  static absl::StatusOr<NoteSigner> FromSeed(std::string_view name, std::string_view seed);
  static absl::StatusOr<NoteSigner> Generate(std::string_view name);
  static absl::StatusOr<NoteSigner> Parse(std::string_view skey);

  NoteSigner(const NoteSigner&) = default;
  NoteSigner& operator=(const NoteSigner&) = default;
  ~NoteSigner();

  // The same private key under another name: another log's signer.
  absl::StatusOr<NoteSigner> Named(std::string_view name) const;

  const NoteKey& key() const { return key_; }
  std::string ToString() const;  // the private text form: a secret

  absl::StatusOr<NoteSignature> Sign(std::string_view text) const;

 private:
  NoteSigner() = default;
  NoteKey key_;
  std::array<unsigned char, 32> seed_{};
};

// Strict: UTF-8, no control characters but '\n', every signature line well-formed, at most kMaxNoteBytes and
// kMaxNoteSignatures. InvalidArgument, reason NOTE_MALFORMED, says which line.
absl::StatusOr<Note> ParseNote(std::string_view bytes);

// The inverse of ParseNote. The note must be well-formed (InvalidArgument otherwise).
absl::StatusOr<std::string> FormatNote(const Note& note);

// `text` (which ends with '\n') signed by every signer, as bytes.
absl::StatusOr<std::string> SignNote(std::string_view text, absl::Span<const NoteSigner> signers);

// Parses and verifies. Signatures of unknown keys are ignored; the result holds the verified ones only. Errors:
// NOTE_MALFORMED; BAD_SIGNATURE when a signature that names a known key does not verify (FailedPrecondition); and
// UNKNOWN_SIGNER when no known key has signed (FailedPrecondition; the message says who did).
absl::StatusOr<Note> OpenNote(std::string_view bytes, absl::Span<const NoteKey> known);

}  // namespace yizhan::audit
