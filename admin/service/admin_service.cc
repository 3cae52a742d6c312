#include "admin/service/admin_service.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status.h"

namespace yizhan::admin {
namespace {

using namespace yizhan::admin::v1;  // NOLINT: the contract's nouns are this file's

constexpr uint64_t kLowDisk = 2ull << 30;
constexpr uint64_t kLagWarning = 10'000;

uint64_t FreeBytes(const std::string& dir) {
  struct statvfs fs;
  return statvfs(dir.c_str(), &fs) == 0 ? static_cast<uint64_t>(fs.f_bavail) * fs.f_frsize : 0;
}

uint64_t FolderBytes(const std::string& dir) {
  uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator it(dir, std::filesystem::directory_options::skip_permission_denied, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code size_error;
    if (it->is_regular_file(size_error)) {
      const uint64_t size = it->file_size(size_error);
      if (!size_error) bytes += size;
    }
  }
  return bytes;
}

ComponentHealth Make(std::string name, ComponentHealth::State state, std::string message) {
  ComponentHealth health;
  health.set_name(std::move(name));
  health.set_state(state);
  health.set_message(std::move(message));
  return health;
}

// Unknown is worse than degraded: it is never green.
int Badness(ComponentHealth::State state) {
  switch (state) {
    case ComponentHealth::STATE_OK: return 0;
    case ComponentHealth::STATE_DEGRADED: return 1;
    case ComponentHealth::STATE_DOWN: return 3;
    default: return 2;
  }
}

}  // namespace

ComponentHealth::State Worst(const GetHealthResponse& health) {
  ComponentHealth::State worst = ComponentHealth::STATE_OK;
  for (const auto& part : health.components()) {
    if (Badness(part.state()) > Badness(worst)) worst = part.state();
  }
  return worst;
}

ComponentHealth Healthy(std::string name, std::string message) { return Make(std::move(name), ComponentHealth::STATE_OK, std::move(message)); }
ComponentHealth Down(std::string name, const absl::Status& status) {
  return Make(std::move(name), ComponentHealth::STATE_DOWN, std::string(status.message()));
}

AdminService::AdminService(AdminOptions options) : options_(std::move(options)), started_at_us_(absl::ToUnixMicros(absl::Now())) {}

ComponentHealth AdminService::CheckLedger() const {
  uint64_t records = 0;
  for (const auto& partition : options_.ledger->Partitions()) {
    if (!partition.status.ok()) {
      return Make("ledger", ComponentHealth::STATE_DOWN, absl::StrCat("partition ", partition.id.ToString(), " has stopped: ", std::string(partition.status.message())));
    }
    records += partition.head;
  }
  return Healthy("ledger", absl::StrCat(options_.ledger->Partitions().size(), " partitions, ", records, " records"));
}

ComponentHealth AdminService::CheckArchive() const {
  uint64_t lag = 0;
  for (const auto& partition : options_.ledger->Partitions()) {
    const uint64_t archived = options_.archived_seq(partition.id);
    if (partition.head > archived) lag += partition.head - archived;
  }
  if (lag > kLagWarning) return Make("archive completeness", ComponentHealth::STATE_DEGRADED, absl::StrCat("the archive is ", lag, " records behind the ledger; it catches up by itself"));
  return Healthy("archive completeness", lag == 0 ? "the archive holds every record" : absl::StrCat("the archive is ", lag, " records behind"));
}

ComponentHealth AdminService::CheckDisk() const {
  const uint64_t free = FreeBytes(options_.data_dir);
  const std::string left = absl::StrCat(free >> 20, " MiB are free on the disk of ", options_.data_dir);
  if (free < kLowDisk) return Make("disk", ComponentHealth::STATE_DEGRADED, absl::StrCat(left, "; make room: below 256 MiB nothing can be sent"));
  return Healthy("disk", left);
}

GetHealthResponse AdminService::Health() const {
  GetHealthResponse response;
  if (options_.ledger != nullptr) *response.add_components() = CheckLedger();
  if (options_.archived_seq) *response.add_components() = CheckArchive();
  *response.add_components() = CheckDisk();
  for (const auto& check : options_.checks) *response.add_components() = check();
  if (options_.backup != nullptr) *response.add_components() = options_.backup->health();
  response.set_state(Worst(response));
  response.set_version(options_.version);
  response.set_started_at_us(started_at_us_);
  response.set_disk_free_bytes(FreeBytes(options_.data_dir));
  response.set_data_bytes(FolderBytes(options_.data_dir));
  response.set_sessions(options_.sessions ? options_.sessions() : 0);
  return response;
}

bool AdminService::ready() const {
  if (options_.ledger != nullptr) {
    for (const auto& partition : options_.ledger->Partitions()) {
      if (!partition.status.ok()) return false;
    }
  }
  return std::all_of(options_.checks.begin(), options_.checks.end(), [](const auto& check) { return check().state() != ComponentHealth::STATE_DOWN; });
}

ListPartitionStatesResponse AdminService::Partitions() const {
  ListPartitionStatesResponse response;
  if (options_.ledger == nullptr) return response;
  for (const auto& partition : options_.ledger->Partitions()) {
    auto* state = response.add_partitions();
    state->mutable_position()->set_partition(partition.id.ToString());
    state->mutable_position()->set_head(partition.head);
    state->mutable_position()->set_first(partition.first);
    state->mutable_position()->set_head_time_us(partition.head_time_us);
    state->set_owner(options_.owner);
    if (options_.archived_seq) state->set_archived_seq(options_.archived_seq(partition.id));
  }
  return response;
}

void AdminService::Register(rpc::ServiceTable& table) {
  table.Unary<GetHealthRequest, GetHealthResponse>("/yizhan.admin.v1.AdminService/GetHealth",
                                                   [this](const rpc::Context&, const GetHealthRequest&, rpc::Reply<GetHealthResponse> reply) { reply.Ok(Health()); });
  table.Unary<ListPartitionStatesRequest, ListPartitionStatesResponse>(
      "/yizhan.admin.v1.AdminService/ListPartitionStates",
      [this](const rpc::Context&, const ListPartitionStatesRequest&, rpc::Reply<ListPartitionStatesResponse> reply) { reply.Ok(Partitions()); });
  table.Unary<GetBackupRequest, GetBackupResponse>("/yizhan.admin.v1.AdminService/GetBackup",
                                                   [this](const rpc::Context&, const GetBackupRequest&, rpc::Reply<GetBackupResponse> reply) {
                                                     reply.Ok(options_.backup ? options_.backup->state() : GetBackupResponse());
                                                   });
  table.Unary<StartBackupRequest, StartBackupResponse>(
      "/yizhan.admin.v1.AdminService/StartBackup", [this](const rpc::Context&, const StartBackupRequest&, rpc::Reply<StartBackupResponse> reply) {
        if (options_.backup == nullptr) {
          return reply.Error(Refuse(absl::StatusCode::kFailedPrecondition, "NO_BACKUP",
                                   "no place for backups is configured: set backup.to and backup.recipients, and start again"));
        }
        if (absl::Status status = options_.backup->RunNow(); !status.ok()) return reply.Error(status);
        reply.Ok(StartBackupResponse());
      });
}

}  // namespace yizhan::admin
