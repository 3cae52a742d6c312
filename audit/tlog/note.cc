#include "audit/tlog/note.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "audit/tlog/hash.h"
#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

constexpr char kEd25519 = 0x01;
constexpr size_t kKeyBytes = 32;
constexpr size_t kSignatureBytes = 64;
constexpr std::string_view kDash = "\xE2\x80\x94 ";  // em dash, space
constexpr std::string_view kPrivate = "PRIVATE+KEY+";

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;
using ContextPtr = std::unique_ptr<EVP_MD_CTX, FreeContext>;

const unsigned char* Bytes(std::string_view view) { return reinterpret_cast<const unsigned char*>(view.data()); }

absl::Status BadKey(std::string_view what) { return Refuse(absl::StatusCode::kInvalidArgument, "KEY_MALFORMED", what); }
absl::Status BadNote(std::string_view what) {
  return Refuse(absl::StatusCode::kInvalidArgument, "NOTE_MALFORMED", what);
}

std::string IdHex(uint32_t id) {
  const char bytes[4] = {static_cast<char>(id >> 24), static_cast<char>(id >> 16), static_cast<char>(id >> 8),
                         static_cast<char>(id)};
  return ToHex({bytes, 4});
}

uint32_t BigEndian32(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

uint32_t KeyId(std::string_view name, std::string_view public_key) {
  return BigEndian32(Sha256(Cat(name, '\n', kEd25519, public_key)).view());
}

struct NamedKeyText {
  std::string name;
  uint32_t id;
  std::string key;  // without the algorithm byte
};

// <name>+<id>+<base64(algorithm || key)>. The text may be a secret, so that messages do not quote it.
absl::StatusOr<NamedKeyText> ParseNamedKey(std::string_view text) {
  const size_t first = text.find('+');
  const size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return BadKey("a key is written <name>+<8 hex digits>+<base64>");
  NamedKeyText out;
  out.name = std::string(text.substr(0, first));
  if (!IsKeyName(out.name)) return BadKey("the key's name is empty, or has a space or a byte that is not UTF-8");
  const std::string_view id = text.substr(first + 1, second - first - 1);
  auto id_bytes = FromHex(id);
  if (id.size() != 8 || !id_bytes.ok()) return BadKey(Cat("the id of key ", Quoted(out.name), " is not 8 hex digits"));
  out.id = BigEndian32(*id_bytes);
  auto key = FromBase64(text.substr(second + 1));
  if (!key.ok() || key->empty()) return BadKey(Cat("key ", Quoted(out.name), " is not base64"));
  if ((*key)[0] != kEd25519) return BadKey(Cat("key ", Quoted(out.name), " is not an Ed25519 key"));
  if (key->size() != 1 + kKeyBytes) return BadKey(Cat("key ", Quoted(out.name), " has not 32 bytes"));
  out.key = key->substr(1);
  OPENSSL_cleanse(key->data(), key->size());
  return out;
}

absl::Status CheckText(std::string_view text) {
  if (text.empty() || text.back() != '\n') return BadNote("the text does not end with a newline");
  if (!IsUtf8(text)) return BadNote("not UTF-8");
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') return BadNote("there is a control character in it");
  }
  return absl::OkStatus();
}

}  // namespace

bool IsKeyName(std::string_view name) {
  if (name.empty()) return false;
  while (!name.empty()) {
    const std::optional<char32_t> c = TakeCodePoint(&name);
    if (!c || *c < 0x20 || *c == '+' || IsUnicodeSpace(*c)) return false;
  }
  return true;
}

absl::StatusOr<NoteKey> NoteKey::FromRaw(std::string_view name, std::string_view public_key) {
  if (!IsKeyName(name)) return BadKey(Cat("not a key name: ", Quoted(name)));
  if (public_key.size() != kKeyBytes) return BadKey(Cat("an Ed25519 key has 32 bytes, not ", public_key.size()));
  NoteKey key;
  key.name_ = std::string(name);
  key.public_key_ = std::string(public_key);
  key.id_ = KeyId(name, public_key);
  return key;
}

absl::StatusOr<NoteKey> NoteKey::Parse(std::string_view vkey) {
  if (vkey.substr(0, kPrivate.size()) == kPrivate) return BadKey("this is a private key where a public one belongs");
  YZ_ASSIGN_OR_RETURN(NamedKeyText text, ParseNamedKey(vkey));
  YZ_ASSIGN_OR_RETURN(NoteKey key, FromRaw(text.name, text.key));
  if (key.id() != text.id) {
    return BadKey(Cat("key ", Quoted(text.name), " says that its id is ", IdHex(text.id), "; it is ", IdHex(key.id())));
  }
  return key;
}

std::string NoteKey::Label() const { return Cat(name_, '+', IdHex(id_)); }

std::string NoteKey::ToString() const { return Cat(Label(), '+', ToBase64(Cat(kEd25519, public_key_))); }

bool NoteKey::Verify(std::string_view text, std::string_view signature) const {
  if (signature.size() != kSignatureBytes) return false;
  KeyPtr key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(public_key_), public_key_.size()));
  ContextPtr context(EVP_MD_CTX_new());
  if (key == nullptr || context == nullptr) return false;
  if (EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) return false;
  return EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(text), text.size()) == 1;
}

absl::StatusOr<NoteSigner> NoteSigner::Named(std::string_view name) const {
  return FromSeed(name, {reinterpret_cast<const char*>(seed_.data()), seed_.size()});
}

NoteSigner::~NoteSigner() { OPENSSL_cleanse(seed_.data(), seed_.size()); }

absl::StatusOr<NoteSigner> NoteSigner::FromSeed(std::string_view name, std::string_view seed) {
  if (seed.size() != kKeyBytes) return BadKey(Cat("an Ed25519 seed has 32 bytes, not ", seed.size()));
  KeyPtr pkey(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, Bytes(seed), seed.size()));
  unsigned char public_key[kKeyBytes];
  size_t length = sizeof public_key;
  if (pkey == nullptr || EVP_PKEY_get_raw_public_key(pkey.get(), public_key, &length) != 1 || length != kKeyBytes) {
    return absl::InternalError("OpenSSL makes no Ed25519 key");
  }
  NoteSigner signer;
  YZ_ASSIGN_OR_RETURN(signer.key_, NoteKey::FromRaw(name, {reinterpret_cast<char*>(public_key), kKeyBytes}));
  std::memcpy(signer.seed_.data(), seed.data(), kKeyBytes);
  return signer;
}

absl::StatusOr<NoteSigner> NoteSigner::Generate(std::string_view name) {
  char seed[kKeyBytes];
  if (RAND_priv_bytes(reinterpret_cast<unsigned char*>(seed), sizeof seed) != 1) {
    return absl::InternalError("OpenSSL's random generator gives nothing");
  }
  auto signer = FromSeed(name, {seed, sizeof seed});
  OPENSSL_cleanse(seed, sizeof seed);
  return signer;
}

absl::StatusOr<NoteSigner> NoteSigner::Parse(std::string_view skey) {
  if (skey.substr(0, kPrivate.size()) != kPrivate) return BadKey("a private key begins with PRIVATE+KEY+");
  YZ_ASSIGN_OR_RETURN(NamedKeyText text, ParseNamedKey(skey.substr(kPrivate.size())));
  auto signer = FromSeed(text.name, text.key);
  OPENSSL_cleanse(text.key.data(), text.key.size());
  if (signer.ok() && signer->key().id() != text.id) {
    return BadKey(Cat("private key ", Quoted(text.name), " says that its id is ", IdHex(text.id), "; it is ",
                      IdHex(signer->key().id())));
  }
  return signer;
}

std::string NoteSigner::ToString() const {
  const std::string_view seed(reinterpret_cast<const char*>(seed_.data()), seed_.size());
  return Cat(kPrivate, key_.Label(), '+', ToBase64(Cat(kEd25519, seed)));
}

absl::StatusOr<NoteSignature> NoteSigner::Sign(std::string_view text) const {
  KeyPtr pkey(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed_.data(), seed_.size()));
  ContextPtr context(EVP_MD_CTX_new());
  NoteSignature out{key_.name(), key_.id(), std::string(kSignatureBytes, '\0')};
  size_t length = out.signature.size();
  if (pkey == nullptr || context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.signature.data()), &length, Bytes(text),
                     text.size()) != 1 ||
      length != kSignatureBytes) {
    return absl::InternalError(Cat("OpenSSL does not sign with key ", key_.Label()));
  }
  return out;
}

absl::StatusOr<Note> ParseNote(std::string_view bytes) {
  if (bytes.size() > kMaxNoteBytes) return BadNote(Cat(bytes.size(), " bytes are more than a note may have"));
  YZ_RETURN_IF_ERROR(CheckText(bytes));
  const size_t split = bytes.rfind("\n\n");
  if (split == std::string_view::npos) return BadNote("there is no blank line before the signatures");
  Note note;
  note.text = std::string(bytes.substr(0, split + 1));
  std::string_view rest = bytes.substr(split + 2);
  while (std::optional<std::string_view> line = TakeLine(&rest)) {
    const size_t number = note.signatures.size() + 1;
    if (number > kMaxNoteSignatures) return BadNote(Cat("more than ", kMaxNoteSignatures, " signatures"));
    if (line->substr(0, kDash.size()) != kDash) return BadNote(Cat("signature line ", number, " has no dash in front"));
    line->remove_prefix(kDash.size());
    const size_t space = line->find(' ');
    if (space == std::string_view::npos) return BadNote(Cat("signature line ", number, " has no signature"));
    NoteSignature signature;
    signature.key_name = std::string(line->substr(0, space));
    if (!IsKeyName(signature.key_name)) return BadNote(Cat("signature line ", number, " has no valid key name"));
    auto raw = FromBase64(line->substr(space + 1));
    if (!raw.ok() || raw->size() < 5)
      return BadNote(Cat("signature line ", number, " is not base64 of 5 bytes or more"));
    signature.key_id = BigEndian32(*raw);
    signature.signature = raw->substr(4);
    note.signatures.push_back(std::move(signature));
  }
  if (note.signatures.empty()) return BadNote("there is no signature");
  return note;
}

absl::StatusOr<std::string> FormatNote(const Note& note) {
  YZ_RETURN_IF_ERROR(CheckText(note.text));
  if (note.signatures.empty()) return BadNote("there is no signature");
  if (note.signatures.size() > kMaxNoteSignatures) return BadNote("too many signatures");
  std::string out = Cat(note.text, '\n');
  for (const NoteSignature& signature : note.signatures) {
    if (!IsKeyName(signature.key_name)) return BadNote(Cat("not a key name: ", Quoted(signature.key_name)));
    if (signature.signature.empty()) return BadNote("an empty signature");
    auto id = FromHex(IdHex(signature.key_id));
    out += Cat(kDash, signature.key_name, ' ', ToBase64(Cat(*id, signature.signature)), '\n');
  }
  if (out.size() > kMaxNoteBytes) return BadNote(Cat(out.size(), " bytes are more than a note may have"));
  return out;
}

absl::StatusOr<std::string> SignNote(std::string_view text, absl::Span<const NoteSigner> signers) {
  Note note;
  note.text = std::string(text);
  for (const NoteSigner& signer : signers) {
    YZ_ASSIGN_OR_RETURN(NoteSignature signature, signer.Sign(text));
    note.signatures.push_back(std::move(signature));
  }
  return FormatNote(note);
}

absl::StatusOr<Note> OpenNote(std::string_view bytes, absl::Span<const NoteKey> known) {
  YZ_ASSIGN_OR_RETURN(Note note, ParseNote(bytes));
  std::vector<NoteSignature> verified;
  std::string others;
  for (NoteSignature& signature : note.signatures) {
    const auto key = std::find_if(known.begin(), known.end(), [&](const NoteKey& candidate) {
      return candidate.name() == signature.key_name && candidate.id() == signature.key_id;
    });
    if (key == known.end()) {
      others += Cat(others.empty() ? "" : ", ", signature.key_name, '+', IdHex(signature.key_id));
      continue;
    }
    if (!key->Verify(note.text, signature.signature)) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "BAD_SIGNATURE",
                    Cat("the signature of ", key->Label(), " does not fit the text"));
    }
    verified.push_back(std::move(signature));
  }
  if (verified.empty()) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "UNKNOWN_SIGNER",
                  Cat("not signed by a known key, but by ", others));
  }
  note.signatures = std::move(verified);
  return note;
}

}  // namespace yizhan::audit
