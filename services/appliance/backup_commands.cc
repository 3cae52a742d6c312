#include "appliance/backup_commands.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <ostream>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "admin/backup/manifest.h"
#include "admin/backup/restore.h"
#include "admin/backup/schedule.h"
#include "appliance/cluster_log.h"
#include "appliance/machines.h"
#include "audit/archive/restored.h"
#include "base/age.h"
#include "base/files.h"
#include "base/status.h"
#include "google/protobuf/util/json_util.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"
#include "ledger/ledger_commands.h"

namespace yizhan::appliance {
namespace {

namespace fs = std::filesystem;
using admin::BackupManifest;

std::string Time(int64_t time_us) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixMicros(time_us), absl::LocalTimeZone());
}

absl::StatusOr<admin::OpenedStores> Stores(const RunOptions& options) {
  if (!options.backup.enabled())
    return absl::InvalidArgumentError(
        "where is the backup? Name it by --from, or by backup.to in a configuration (--config)");
  return admin::OpenBackupStores(options.backup);
}

absl::StatusOr<BackupManifest> Manifest(const admin::BackupStores& stores, uint64_t number) {
  return number == 0 ? admin::ReadLatestManifest(*stores.records) : admin::ReadManifest(*stores.records, number);
}

absl::StatusOr<std::vector<age::Identity>> ReadIdentities(const std::string& file) {
  std::ifstream in(file);
  if (!in)
    return absl::NotFoundError(absl::StrCat("the identity file ", file, " cannot be read: ", std::strerror(errno)));
  const Secret<std::string> text(std::string(std::istreambuf_iterator<char>(in), {}));
  auto identities = age::ParseIdentityFile(text.Reveal());
  return identities.ok() ? std::move(identities) : Annotate(identities.status(), file);
}

// A line that is written again while the work goes on; and the last time as it ends.
class Progress {
 public:
  Progress(std::ostream& out, std::string what)
      : out_(out), what_(std::move(what)), terminal_(isatty(STDOUT_FILENO) == 1) {}
  void operator()(uint64_t done, uint64_t all) {
    const absl::Time now = absl::Now();
    if (now < next_) return;
    next_ = now + (terminal_ ? absl::Milliseconds(200) : absl::Seconds(10));
    out_ << (terminal_ ? "\r" : "") << what_ << " " << done << " of " << all << (terminal_ ? "" : "\n") << std::flush;
  }
  void End(const std::string& text) { out_ << (terminal_ ? "\r\x1b[K" : "") << text << "\n"; }

 private:
  std::ostream& out_;
  const std::string what_;
  const bool terminal_;
  absl::Time next_ = absl::Now() + absl::Milliseconds(300);
};

// A ledger out of a backup, with everything that its records need to be understood.
struct Restored {
  Machines machines;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<ledger::Keyring> keyring;
  admin::Heads heads;
  audit::LogCheck log;

  ~Restored() {
    if (ledger) ledger->Stop();
  }
};

// Fills `restored` from the backup, in DIR, and compares every record with the archive's log.
absl::Status Fill(admin::Restoration restoration, const std::string& dir, Restored& restored, std::ostream& out) {
  YZ_RETURN_IF_ERROR(admin::RestoreKeys(restoration, dir));
  ledger::Options options;
  options.data_dir = dir;
  options.partitions = admin::PartitionsOf(*restoration.manifest);
  options.replicated = true;
  YZ_ASSIGN_OR_RETURN(restored.ledger, ledger::Ledger::Open(std::move(options)));
  YZ_ASSIGN_OR_RETURN(restored.keyring, ledger::Keyring::Open(restored.ledger.get(), dir));
  for (ledger::StateMachine* machine : restored.machines.services()) restored.ledger->Register(machine);
  YZ_RETURN_IF_ERROR(restored.ledger->Start());

  Progress records(out, "restores records:");
  restoration.on_progress = [&](uint64_t done, uint64_t all) { records(done, all); };
  YZ_ASSIGN_OR_RETURN(restored.heads, admin::RestoreRecords(restoration, *restored.ledger));
  uint64_t all = 0;
  for (const auto& [partition, head] : restored.heads) all += head;
  records.End(absl::StrCat(all, " records in ", restored.heads.size(), " partitions"));

  YZ_ASSIGN_OR_RETURN(const audit::NoteSigner signer, audit::ReadSigner(dir));
  Progress leaves(out, "compares records with the archive's log:");
  YZ_ASSIGN_OR_RETURN(restored.log, audit::CheckLog(*restored.ledger, *restored.keyring, signer.key(),
                                                    [&](uint64_t done, uint64_t of) { leaves(done, of); }));
  leaves.End(restored.log.note.empty()
                 ? "the archive had signed nothing yet"
                 : absl::StrCat(restored.log.leaves,
                                " records are those that the archive's log has taken in; its signed checkpoint over ",
                                restored.log.checkpoint.size, " fits, by the key ", signer.key().ToString()));
  return absl::OkStatus();
}

void Describe(const BackupManifest& manifest, const admin::BackupStores& stores, std::ostream& out) {
  out << "backup " << manifest.number() << " in " << stores.records->place() << ": what was acknowledged before "
      << Time(manifest.begun_at_us()) << "; " << admin::RecordsIn(manifest) << " records, "
      << (admin::BytesIn(manifest) >> 10) << " KiB\n";
}

// Makes a folder of its own that goes when this goes, unless it was kept.
class WorkFolder {
 public:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}
  ~WorkFolder() {
    std::error_code error;
    if (!kept_) fs::remove_all(path_, error);
  }
  absl::Status Make() {
    std::error_code error;
    fs::remove_all(path_, error);  // of a restore that was broken off
    fs::create_directories(path_, error);
    if (!error) fs::permissions(path_, fs::perms::owner_all, error);
    return error ? absl::UnavailableError(absl::StrCat("cannot make ", path_, ": ", error.message()))
                 : absl::OkStatus();
  }
  absl::Status KeepAs(const std::string& path) {
    std::error_code error;
    fs::remove(path, error);  // an empty folder
    fs::rename(path_, path, error);
    if (error)
      return absl::UnavailableError(absl::StrCat("cannot rename ", path_, " to ", path, ": ", error.message()));
    kept_ = true;
    return SyncFolder(fs::path(path).parent_path().string());
  }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  bool kept_ = false;
};

absl::Status CheckTarget(const std::string& dir) {
  std::error_code error;
  if (!fs::exists(dir, error)) return absl::OkStatus();
  if (fs::is_directory(dir, error) && fs::is_empty(dir, error)) return absl::OkStatus();
  return Refuse(
      absl::StatusCode::kFailedPrecondition, "FOLDER_NOT_EMPTY",
      absl::StrCat(dir,
                   " is there and not empty; nothing was changed. Move it away first (and name it by --beside, to hear "
                   "which of its records the backup lacks), or restore into another folder (--data)"));
}

// Records that are known to have been acknowledged, by partition, and by whom.
struct Known {
  // Somebody else than the backup was asked: it cannot know what came after it.
  bool beyond_backup = false;
  std::map<ledger::PartitionId, std::pair<uint64_t, std::string>> heads;

  void Add(const ledger::PartitionId& partition, uint64_t head, const std::string& by) {
    auto& [known, whose] = heads[partition];
    if (head > known) {
      known = head;
      whose = by;
    }
  }
};

// What is lacking, line by line.
void TellLacking(const Known& known, const admin::Heads& heads, std::ostream& out) {
  bool lacking = false;
  for (const auto& [partition, head] : known.heads) {
    const auto it = heads.find(partition);
    const uint64_t have = it == heads.end() ? 0 : it->second;
    if (head.first <= have) continue;
    if (!lacking) out << "Lacking, though they were acknowledged:\n";
    lacking = true;
    out << absl::StreamFormat("  %-12s records %d to %d (%d), known from %s\n", partition.ToString(), have + 1,
                              head.first, head.first - have, head.second);
  }
  if (known.beyond_backup && !lacking) out << "Nothing is lacking of what is known to have been acknowledged.\n";
  if (!known.beyond_backup)
    out << "Whether something was acknowledged behind the backup cannot be told: there is no older folder (--beside) "
           "and no etcd to compare with.\n";
}

// Records that this is a restored installation, and lets the archive's log go on as one. Answers its key.
absl::StatusOr<std::string> GoOn(const BackupManifest& manifest, const Known& known, Restored& restored,
                                 const std::string& dir) {
  audit::v1::Restored record;
  record.set_backup_number(manifest.number());
  record.set_backup_begun_at_us(manifest.begun_at_us());
  for (const auto& [partition, head] : restored.heads) {
    auto& each = *record.add_partitions();
    each.set_partition(partition.ToString());
    each.set_head(head);
    if (const auto it = known.heads.find(partition); it != known.heads.end()) each.set_known_head(it->second.first);
  }
  absl::Notification owned;
  absl::Status status;
  restored.ledger->Own({"audit", 0}, true, [&](absl::Status how) {
    status = std::move(how);
    owned.Notify();
  });
  owned.WaitForNotification();
  YZ_RETURN_IF_ERROR(status);
  return audit::GoOnAsRestored(*restored.ledger, dir, std::move(record));
}

}  // namespace

absl::Status MakeBackupKey(const std::string& file, std::ostream& out) {
  const age::Identity identity = age::Identity::Generate();
  const Secret<std::string> text(
      absl::StrCat("# public key: ", identity.recipient().ToString(), "\n", identity.ToString().Reveal(), "\n"));
  YZ_RETURN_IF_ERROR(WriteNewFile(file, text.Reveal()));
  out << "backup:\n  recipients: [\"" << identity.recipient().ToString() << "\"]\n# " << file
      << " opens the backups made for it: keep it apart from this machine, and twice. Without it they cannot be "
         "restored.\n";
  return absl::OkStatus();
}

absl::Status ListBackups(const RunOptions& options, bool json, std::ostream& out) {
  YZ_ASSIGN_OR_RETURN(const admin::OpenedStores opened, Stores(options));
  const admin::BackupStores stores = opened.stores();
  YZ_ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers, admin::ListManifests(*stores.records));
  if (numbers.empty()) return admin::ReadLatestManifest(*stores.records).status();
  if (!json)
    out << absl::StreamFormat("%8s  %-20s %-20s %12s %14s  %s\n", "NUMBER", "BEGUN", "ENDED", "RECORDS", "BYTES",
                              "PROGRAM");
  for (const uint64_t number : numbers) {
    YZ_ASSIGN_OR_RETURN(const BackupManifest manifest, admin::ReadManifest(*stores.records, number));
    if (json) {
      std::string text;
      google::protobuf::util::JsonPrintOptions print;
      print.preserve_proto_field_names = true;
      (void)google::protobuf::util::MessageToJsonString(manifest, &text, print);
      out << text << "\n";
      continue;
    }
    out << absl::StreamFormat("%8d  %-20s %-20s %12d %14d  %s\n", manifest.number(), Time(manifest.begun_at_us()),
                              Time(manifest.finished_at_us()), admin::RecordsIn(manifest), admin::BytesIn(manifest),
                              manifest.program_version());
  }
  return absl::OkStatus();
}

absl::Status CheckBackup(const RunOptions& options, uint64_t number, std::ostream& out) {
  YZ_ASSIGN_OR_RETURN(const admin::OpenedStores opened, Stores(options));
  const admin::BackupStores stores = opened.stores();
  YZ_ASSIGN_OR_RETURN(const BackupManifest manifest, Manifest(stores, number));
  Describe(manifest, stores, out);
  uint64_t objects = 1, done = 0;
  for (const auto& partition : manifest.partitions()) objects += partition.segments_size();
  Progress progress(out, "reads objects:");
  std::vector<std::string> problems;
  const auto look = [&](objects::ObjectStore& store, const admin::BackupObject& object) {
    if (auto bytes = admin::GetObject(store, object); !bytes.ok())
      problems.push_back(std::string(bytes.status().message()));
    progress(++done, objects);
  };
  look(*stores.keys, manifest.keys());
  for (const auto& partition : manifest.partitions())
    for (const auto& segment : partition.segments()) look(stores.For(partition.partition()), segment.object());
  progress.End(absl::StrCat(objects, " objects read"));
  if (problems.empty()) {
    out << "All of them are what was written. Whether they can be opened and restored tells `yizhan backup verify`.\n";
    return absl::OkStatus();
  }
  for (const std::string& problem : problems) out << problem << "\n";
  return Refuse(absl::StatusCode::kDataLoss, "DAMAGED_BACKUP",
                absl::StrCat(problems.size(), " of ", objects, " objects are damaged or gone"));
}

absl::Status VerifyBackup(const RunOptions& options, const BackupChoice& choice, const std::string& scratch,
                          std::ostream& out) {
  YZ_ASSIGN_OR_RETURN(const auto identities, ReadIdentities(choice.identity));
  YZ_ASSIGN_OR_RETURN(const admin::OpenedStores opened, Stores(options));
  const admin::BackupStores stores = opened.stores();
  YZ_ASSIGN_OR_RETURN(const BackupManifest manifest, Manifest(stores, choice.number));
  Describe(manifest, stores, out);
  WorkFolder folder(
      absl::StrCat(scratch.empty() ? fs::temp_directory_path().string() : scratch, "/yizhan-verify-backup-", getpid()));
  YZ_RETURN_IF_ERROR(folder.Make());
  {
    Restored restored;
    YZ_RETURN_IF_ERROR(Fill({stores, identities, &manifest, {}, {}, {}}, folder.path(), restored, out));
  }
  out << "The backup can be restored, to the last record.\n";
  return absl::OkStatus();
}

absl::Status RestoreBackup(const RunOptions& options, const RestoreRequest& request, std::ostream& out) {
  YZ_RETURN_IF_ERROR(CheckTarget(options.data_dir));
  admin::RestorePoint until;
  if (!request.until.empty()) {
    YZ_ASSIGN_OR_RETURN(until, admin::RestorePoint::Parse(request.until));
  }
  YZ_ASSIGN_OR_RETURN(const auto identities, ReadIdentities(request.choice.identity));
  YZ_ASSIGN_OR_RETURN(const admin::OpenedStores opened, Stores(options));
  const admin::BackupStores stores = opened.stores();
  YZ_ASSIGN_OR_RETURN(const BackupManifest manifest, Manifest(stores, request.choice.number));
  Describe(manifest, stores, out);

  Known known;
  std::unique_ptr<ClusterLog> cluster;
  if (options.cluster.enabled()) {
    YZ_ASSIGN_OR_RETURN(cluster, ClusterLog::OfDeadCluster(options.cluster));
    for (const auto& [partition, head] : cluster->heads()) known.Add(partition, head, "etcd");
    known.beyond_backup = !cluster->heads().empty();
  }
  if (!request.beside.empty()) {
    YZ_ASSIGN_OR_RETURN(const auto heads, ledger::ReadHeads(request.beside));
    for (const auto& partition : heads) known.Add(partition.id, partition.head, request.beside);
    known.beyond_backup = true;
  }
  for (const auto& partition : manifest.partitions())
    if (auto id = ledger::PartitionId::Parse(partition.partition()); id.ok())
      known.Add(*id, partition.head(), "the backup");

  WorkFolder folder(options.data_dir + ".restoring");
  YZ_RETURN_IF_ERROR(folder.Make());
  admin::Heads heads;
  std::string key;
  {
    Restored restored;
    admin::Restoration restoration{stores, identities, &manifest, until, {}, {}};
    if (cluster && request.until.empty())
      restoration.more = [&](const ledger::PartitionId& partition, uint64_t from) {
        return cluster->Read(partition, from);
      };
    YZ_RETURN_IF_ERROR(Fill(restoration, folder.path(), restored, out));
    heads = restored.heads;
    YZ_ASSIGN_OR_RETURN(key, GoOn(manifest, known, restored, folder.path()));
  }
  YZ_RETURN_IF_ERROR(folder.KeepAs(options.data_dir));
  TellLacking(known, heads, out);
  out << "Restored into " << options.data_dir
      << ". The archive's log goes on under another name, so that no checkpoint can contradict one of before; its "
         "verifier key is now\n  "
      << key
      << "\nSigned checkpoints and exports of before are verified with the former one, as ever. Before a start: give "
         "backup.to an empty place";
  if (cluster && !cluster->heads().empty())
    out << ", and cluster.name a new name (etcd still holds the former cluster's log)";
  out << ".\n";
  return absl::OkStatus();
}

}  // namespace yizhan::appliance
