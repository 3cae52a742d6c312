#include "base/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>

#include "absl/synchronization/mutex.h"
#include "base/logging.h"

namespace yizhan::metrics {
namespace {

struct Family {
  std::string help;
  prometheus::MetricType type;
  std::map<Labels, std::unique_ptr<Counter>> counters;
  std::map<Labels, std::unique_ptr<Gauge>> gauges;
  std::map<Labels, std::unique_ptr<Histogram>> histograms;
  std::map<uint64_t, std::pair<Labels, std::function<double()>>> functions;
};

struct Registry {
  absl::Mutex mutex;
  std::map<std::string, Family, std::less<>> families ABSL_GUARDED_BY(mutex);
  uint64_t next_id ABSL_GUARDED_BY(mutex) = 1;
};

Registry& TheRegistry() {
  static Registry* registry = new Registry;
  return *registry;
}

Family& FamilyOf(Registry& registry, std::string_view name, std::string_view help, prometheus::MetricType type)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(registry.mutex) {
  auto [it, made] = registry.families.try_emplace(std::string(name));
  if (made) {
    it->second.help = std::string(help);
    it->second.type = type;
  } else if (it->second.type != type) {
    log::Error("metrics", "one name is used for two kinds of metric").With("name", name);
    std::abort();
  }
  return it->second;
}

template <typename T>
T& Get(std::map<Labels, std::unique_ptr<T>>& all, const Labels& labels) {
  std::unique_ptr<T>& slot = all[labels];
  if (slot == nullptr) slot = std::make_unique<T>();
  return *slot;
}

prometheus::ClientMetric WithLabels(const Labels& labels) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  return metric;
}

}  // namespace

void Histogram::Observe(double seconds) {
  size_t i = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
  buckets_[i].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(seconds, std::memory_order_relaxed);
}

uint64_t Histogram::count() const {
  uint64_t count = 0;
  for (const auto& bucket : buckets_) count += bucket.load(std::memory_order_relaxed);
  return count;
}

Counter& GetCounter(std::string_view name, std::string_view help, const Labels& labels) {
  Registry& registry = TheRegistry();
  absl::MutexLock lock(&registry.mutex);
  return Get(FamilyOf(registry, name, help, prometheus::MetricType::Counter).counters, labels);
}

Gauge& GetGauge(std::string_view name, std::string_view help, const Labels& labels) {
  Registry& registry = TheRegistry();
  absl::MutexLock lock(&registry.mutex);
  return Get(FamilyOf(registry, name, help, prometheus::MetricType::Gauge).gauges, labels);
}

Histogram& GetHistogram(std::string_view name, std::string_view help, const Labels& labels) {
  Registry& registry = TheRegistry();
  absl::MutexLock lock(&registry.mutex);
  return Get(FamilyOf(registry, name, help, prometheus::MetricType::Histogram).histograms, labels);
}

GaugeFunction::GaugeFunction(std::string_view name, std::string_view help, const Labels& labels,
                             std::function<double()> value) {
  Registry& registry = TheRegistry();
  absl::MutexLock lock(&registry.mutex);
  id_ = registry.next_id++;
  FamilyOf(registry, name, help, prometheus::MetricType::Gauge).functions[id_] = {labels, std::move(value)};
}

GaugeFunction::~GaugeFunction() {
  Registry& registry = TheRegistry();
  absl::MutexLock lock(&registry.mutex);
  for (auto& [name, family] : registry.families) family.functions.erase(id_);
}

std::string Serialize() {
  Registry& registry = TheRegistry();
  std::vector<prometheus::MetricFamily> out;
  {
    absl::MutexLock lock(&registry.mutex);
    for (const auto& [name, family] : registry.families) {
      prometheus::MetricFamily to;
      to.name = name;
      to.help = family.help;
      to.type = family.type;
      for (const auto& [labels, counter] : family.counters) {
        to.metric.push_back(WithLabels(labels));
        to.metric.back().counter.value = static_cast<double>(counter->value());
      }
      for (const auto& [labels, gauge] : family.gauges) {
        to.metric.push_back(WithLabels(labels));
        to.metric.back().gauge.value = gauge->value();
      }
      for (const auto& [id, function] : family.functions) {
        to.metric.push_back(WithLabels(function.first));
        to.metric.back().gauge.value = function.second();
      }
      for (const auto& [labels, histogram] : family.histograms) {
        to.metric.push_back(WithLabels(labels));
        auto& h = to.metric.back().histogram;
        uint64_t below = 0;
        for (size_t i = 0; i <= Histogram::kBounds.size(); ++i) {
          below += histogram->bucket(i);
          prometheus::ClientMetric::Bucket bucket;
          bucket.cumulative_count = below;
          bucket.upper_bound =
              i < Histogram::kBounds.size() ? Histogram::kBounds[i] : std::numeric_limits<double>::infinity();
          h.bucket.push_back(bucket);
        }
        h.sample_count = below;
        h.sample_sum = histogram->sum();
      }
      if (!to.metric.empty()) out.push_back(std::move(to));
    }
  }
  return prometheus::TextSerializer().Serialize(out);
}

}  // namespace yizhan::metrics
