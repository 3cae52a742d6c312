#include "audit/archive/searcher.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <limits>
#include <map>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "base/thread_name.h"

namespace yizhan::audit {
namespace {

using namespace yizhan::audit::v1;  // NOLINT: the contract's nouns are this file's

constexpr uint32_t kMaxPage = 200;
constexpr uint32_t kDefaultPage = 50;
// Beyond the page, candidates whose text must be looked at are counted up to here; the total is then "at least".
constexpr uint64_t kCountLooks = 2'000;

absl::Status BadRequest(std::string_view reason, const std::string& message) {
  return Refuse(absl::StatusCode::kInvalidArgument, reason, message);
}

// A search, read: what the index is asked and what is looked at beside it.
struct Plan {
  IndexQuery index;
  TextQuery text;
  int64_t start_us = 0;
  int64_t end_us = 0;
  // Persons with the stays that a hit in a group must lie in. Empty: no condition on people.
  std::vector<std::string> persons;
  std::map<std::string, std::vector<Names::Membership>> stays;  // by conversation

  // Whether the index alone decides.
  bool exact() const { return text.exact() && stays.empty(); }

  // Whether an opened item really matches; fills its highlights.
  bool Matches(OpenedItem& opened) const {
    Item& item = opened.item;
    if ((start_us != 0 && item.time_us() < start_us) || (end_us != 0 && item.time_us() >= end_us)) return false;
    if (!persons.empty() && !ConcernsPersons(item)) return false;
    if (text.parts.empty()) return true;
    const auto ranges = FindParts(text, item.text());
    for (const auto& [from, to] : ranges) {
      auto* highlight = item.add_highlights();
      highlight->set_start(from);
      highlight->set_end(to);
    }
    return !ranges.empty();
  }

  bool ConcernsPersons(const Item& item) const {
    for (const std::string& person : persons) {
      if (item.actor_id() == person) return true;
      if (item.conversation_id().rfind("d:", 0) == 0 && item.conversation_id().find(person) != std::string::npos)
        return true;
    }
    auto it = stays.find(item.conversation_id());
    if (it == stays.end()) return false;
    return std::any_of(it->second.begin(), it->second.end(), [&](const Names::Membership& stay) {
      return item.time_us() >= stay.from_us && (stay.to_us == 0 || item.time_us() <= stay.to_us);
    });
  }
};

class SearcherImpl : public Searcher {
 public:
  explicit SearcherImpl(Options options) : options_(std::move(options)) {}
  ~SearcherImpl() override { Stop(); }

  absl::Status OpenIndex() {
    const Index::Options index{options_.index_path, options_.keyring->Derive("search-index")};
    auto opened = Index::Open(index);
    if (!opened.ok()) {
      // The index holds nothing that the items do not: a damaged one is made anew.
      std::error_code error;
      std::filesystem::remove_all(options_.index_path, error);
      opened = Index::Open(index);
    }
    YZ_RETURN_IF_ERROR(opened.status());
    index_ = *std::move(opened);
    return absl::OkStatus();
  }

  void Start() override {
    thread_ = std::thread([this] {
      NameThread("archive-index");
      Run();
    });
  }
  void Stop() override {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    if (thread_.joinable()) thread_.join();
    if (index_) (void)index_->Flush();
  }
  void Wake() override {
    absl::MutexLock lock(&mutex_);
    woken_ = true;
  }

  absl::StatusOr<SearchResponse> Search(const SearchRequest& request) const override {
    YZ_ASSIGN_OR_RETURN(Plan plan, MakePlan(request));
    const uint32_t page = request.page_size() == 0 ? kDefaultPage : std::min(request.page_size(), kMaxPage);
    SearchResponse response;
    response.set_indexed_to_us(indexed_to_us());
    response.set_unsearchable(unsearchable());
    uint64_t total = 0, looks = 0;
    bool exact_total = true;
    absl::Status failed;
    YZ_RETURN_IF_ERROR(index_->Search(plan.index, [&](uint64_t leaf, bool time_certain) {
      const bool filling = static_cast<uint32_t>(response.items_size()) < page;
      if (!filling && plan.exact() && time_certain) {
        ++total;
        return true;
      }
      if (!filling && ++looks > kCountLooks) {
        exact_total = false;
        return false;
      }
      auto opened = OpenItem(leaf);
      if (absl::IsNotFound(opened.status())) return true;  // its key is gone
      if (!opened.ok()) {
        failed = opened.status();
        return false;
      }
      if (!plan.Matches(*opened)) return true;
      ++total;
      if (filling) {
        Name(opened->item);
        *response.add_items() = std::move(opened->item);
      }
      return true;
    }));
    YZ_RETURN_IF_ERROR(failed);
    response.set_total(total);
    response.set_total_exact(exact_total);
    if (static_cast<uint32_t>(response.items_size()) == page && total > page) {
      response.set_next_page_token(absl::StrCat(response.items(static_cast<int>(page) - 1).leaf_index()));
    }
    return response;
  }

  absl::Status ForEach(const SearchRequest& request,
                       absl::FunctionRef<bool(uint64_t, const OpenedItem&)> visit) const override {
    YZ_ASSIGN_OR_RETURN(Plan plan, MakePlan(request));
    absl::Status failed;
    YZ_RETURN_IF_ERROR(index_->Search(plan.index, [&](uint64_t leaf, bool) {
      auto opened = OpenItem(leaf);
      if (absl::IsNotFound(opened.status())) return true;
      if (!opened.ok()) {
        failed = opened.status();
        return false;
      }
      if (!plan.Matches(*opened)) return true;
      Name(opened->item);
      return visit(leaf, *opened);
    }));
    return failed;
  }

  absl::StatusOr<ReadConversationResponse> ReadConversation(const ReadConversationRequest& request) const override {
    if (request.conversation_id().empty()) return BadRequest("NO_CONVERSATION", "name the conversation to read");
    const uint64_t context = request.context() == 0 ? 20 : std::min<uint64_t>(request.context(), 200);
    const uint64_t around = request.around_seq() == 0 ? std::numeric_limits<uint64_t>::max() : request.around_seq();
    IndexQuery query;
    query.all.push_back({{}, {ConversationFacet(request.conversation_id())}});
    ReadConversationResponse response;
    // Newest first: keep the last `context` beyond the position, then as many before it.
    std::vector<Item> after, before;
    absl::Status failed;
    YZ_RETURN_IF_ERROR(index_->Search(query, [&](uint64_t leaf, bool) {
      auto opened = OpenItem(leaf);
      if (absl::IsNotFound(opened.status())) return true;
      if (!opened.ok()) {
        failed = opened.status();
        return false;
      }
      const uint64_t seq = opened->item.conversation_seq();
      if (seq == 0) return true;  // takes no position
      if (seq > around) {
        after.push_back(std::move(opened->item));
        if (after.size() > context) {
          after.erase(after.begin());
          response.set_more_after(true);
        }
        return true;
      }
      if (before.size() > context) {
        response.set_more_before(true);
        return false;
      }
      before.push_back(std::move(opened->item));
      return true;
    }));
    YZ_RETURN_IF_ERROR(failed);
    if (before.empty() && after.empty()) {
      return Refuse(absl::StatusCode::kNotFound, "NO_SUCH_CONVERSATION",
                    absl::StrCat("the archive holds nothing of ", request.conversation_id()));
    }
    after.insert(after.end(), std::make_move_iterator(before.begin()), std::make_move_iterator(before.end()));
    std::sort(after.begin(), after.end(),
              [](const Item& a, const Item& b) { return a.conversation_seq() < b.conversation_seq(); });
    std::vector<std::string> people;
    auto take_part = [&](const std::string& id) {
      if (!id.empty() && std::find(people.begin(), people.end(), id) == people.end()) people.push_back(id);
    };
    const int64_t time_us = after.back().time_us();
    if (request.conversation_id().rfind("d:", 0) == 0) {
      const size_t second = request.conversation_id().find(':', 2);
      take_part(request.conversation_id().substr(2, second - 2));
      take_part(request.conversation_id().substr(second + 1));
    }
    for (Item& item : after) {
      Name(item);
      take_part(item.customer_id());
      take_part(item.actor_id());
      *response.add_items() = std::move(item);
    }
    for (const auto& stay : options_.names->MembersOf(request.conversation_id())) {
      if (people.size() >= 200) break;
      if (stay.from_us <= time_us && (stay.to_us == 0 || stay.to_us >= time_us)) take_part(stay.person_id);
    }
    for (const std::string& id : people) *response.add_participants() = options_.names->Who(id, time_us);
    response.set_title(options_.names->Title(request.conversation_id(), time_us));
    return response;
  }

  absl::StatusOr<OpenedItem> Open(uint64_t leaf) const override {
    YZ_ASSIGN_OR_RETURN(OpenedItem opened, OpenItem(leaf));
    Name(opened.item);
    return opened;
  }

  uint64_t indexed_end() const override { return indexed_end_.load(); }
  int64_t indexed_to_us() const override { return indexed_to_us_.load(); }
  uint64_t unsearchable() const override { return unsearchable_.load(); }

 private:
  void Run() {
    // What the index lost with the last process is indexed again: the items are the source.
    uint64_t next = index_->end();
    indexed_end_.store(next);
    while (true) {
      {
        absl::MutexLock lock(&mutex_);
        auto due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return woken_ || stopping_; };
        mutex_.Await(absl::Condition(&due));
        if (stopping_) return;
        woken_ = false;
      }
      const absl::Status status = options_.items->Scan(next, [&](uint64_t leaf, std::string_view bytes) {
        next = leaf + 1;
        AddToIndex(leaf, bytes);
        indexed_end_.store(next);
        absl::MutexLock lock(&mutex_);
        return !stopping_;
      });
      if (!status.ok()) Wake();  // a read that failed is tried again
      indexed_to_us_.store(absl::ToUnixMicros(absl::Now()));
    }
  }

  void AddToIndex(uint64_t leaf, std::string_view bytes) {
    ledger::Record record;
    absl::StatusOr<OpenedItem> opened = record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))
                                            ? OpenRecord(record, *options_.keyring)
                                            : absl::DataLossError("unreadable");
    if (!opened.ok() || !index_->Add(leaf, opened->item.time_us(), GramsOf(opened->item.text()), opened->facets).ok())
      ++unsearchable_;
  }

  absl::StatusOr<OpenedItem> OpenItem(uint64_t leaf) const {
    YZ_ASSIGN_OR_RETURN(std::string bytes, options_.items->Get(leaf));
    ledger::Record record;
    if (!record.ParseFromString(bytes))
      return absl::DataLossError(absl::StrCat("the archive's item of leaf ", leaf, " is unreadable"));
    YZ_ASSIGN_OR_RETURN(OpenedItem opened, OpenRecord(record, *options_.keyring));
    opened.item.set_leaf_index(leaf);
    return opened;
  }

  void Name(Item& item) const {
    if (!item.actor_id().empty()) item.set_actor_name(options_.names->Who(item.actor_id(), item.time_us()).name());
    if (!item.conversation_id().empty())
      item.set_conversation_title(options_.names->Title(item.conversation_id(), item.time_us()));
  }

  absl::StatusOr<Plan> MakePlan(const SearchRequest& request) const {
    Plan plan;
    YZ_ASSIGN_OR_RETURN(plan.text, ParseTextQuery(request.text()));
    plan.start_us = plan.index.start_us = request.start_us();
    plan.end_us = plan.index.end_us = request.end_us();
    if (plan.start_us < 0 || plan.end_us < 0 || (plan.end_us != 0 && plan.end_us <= plan.start_us)) {
      return BadRequest("EMPTY_RANGE", "the range of time is empty: its end must be later than its start");
    }
    if (request.person_ids_size() > 100 || request.conversation_ids_size() > 1'000 ||
        request.customer_ids_size() > 1'000) {
      return BadRequest("TOO_MANY_CONDITIONS",
                        "at most 100 people, 1,000 conversations and 1,000 customers can be searched at once");
    }
    if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &plan.index.below)) {
      return BadRequest("BAD_PAGE_TOKEN", "this page token was not made here; begin again without one");
    }
    for (const auto& part : plan.text.parts) {
      for (Gram gram : part.grams) plan.index.all.push_back({{gram}, {}});
    }
    IndexQuery::Clause sources;
    for (int source : request.sources()) {
      if (source != SOURCE_UNSPECIFIED) sources.facets.push_back(SourceFacet(static_cast<Source>(source)));
    }
    if (sources.facets.empty()) sources.facets.push_back(SaidFacet());
    plan.index.all.push_back(std::move(sources));
    if (request.conversation_ids_size() > 0) {
      IndexQuery::Clause clause;
      for (const auto& id : request.conversation_ids()) clause.facets.push_back(ConversationFacet(id));
      plan.index.all.push_back(std::move(clause));
    }
    if (request.customer_ids_size() > 0) {
      IndexQuery::Clause clause;
      for (const auto& id : request.customer_ids()) clause.facets.push_back(CustomerFacet(id));
      plan.index.all.push_back(std::move(clause));
    }
    if (request.person_ids_size() > 0) {
      IndexQuery::Clause clause;
      for (const auto& id : request.person_ids()) {
        plan.persons.push_back(id);
        clause.facets.push_back(PersonFacet(id));
        for (auto& stay : options_.names->GroupsOf(id)) {
          auto& stays = plan.stays[stay.conversation_id];
          if (stays.empty()) clause.facets.push_back(ConversationFacet(stay.conversation_id));
          stays.push_back(std::move(stay));
        }
      }
      plan.index.all.push_back(std::move(clause));
    }
    return plan;
  }

  const Options options_;
  std::unique_ptr<Index> index_;
  std::thread thread_;
  std::atomic<uint64_t> indexed_end_{0};
  std::atomic<int64_t> indexed_to_us_{0};
  std::atomic<uint64_t> unsearchable_{0};
  absl::Mutex mutex_;
  bool woken_ ABSL_GUARDED_BY(mutex_) = true;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Searcher>> Searcher::Open(Options options) {
  auto searcher = std::make_unique<SearcherImpl>(std::move(options));
  YZ_RETURN_IF_ERROR(searcher->OpenIndex());
  return searcher;
}

}  // namespace yizhan::audit
