// What a process counts, for Prometheus. Names are yizhan_SERVICE_WHAT_UNIT, counters end in _total.
//
//   static metrics::Counter& sent = metrics::GetCounter("yizhan_im_messages_total", "Messages decided.");
//   sent.Add();
//
// Getting a metric takes a lock: keep the reference. Adding to one is a few relaxed atomic operations.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace yizhan::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void Add(uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void Set(double value) { value_.store(value, std::memory_order_relaxed); }
  void Add(double by) { value_.fetch_add(by, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Seconds, in buckets from 50 µs to 10 s.
class Histogram {
 public:
  static constexpr std::array<double, 17> kBounds = {
      0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  void Observe(double seconds);
  uint64_t count() const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }
  // Observations within bucket i (not cumulative); i == kBounds.size() holds those beyond.
  uint64_t bucket(size_t i) const { return buckets_[i].load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<uint64_t>, kBounds.size() + 1> buckets_{};
  std::atomic<double> sum_{0};
};

// The metric of this name and these labels, made at the first call; lives as long as the process. One name has one
// kind: asking for another is a programming error and ends the process.
Counter& GetCounter(std::string_view name, std::string_view help, const Labels& labels = {});
Gauge& GetGauge(std::string_view name, std::string_view help, const Labels& labels = {});
Histogram& GetHistogram(std::string_view name, std::string_view help, const Labels& labels = {});

// A gauge that is asked for its value when metrics are read (queue lengths, sizes); ends with the object. `value` is
// called on the thread that reads metrics.
class GaugeFunction {
 public:
  GaugeFunction(std::string_view name, std::string_view help, const Labels& labels, std::function<double()> value);
  ~GaugeFunction();
  GaugeFunction(const GaugeFunction&) = delete;
  GaugeFunction& operator=(const GaugeFunction&) = delete;

 private:
  uint64_t id_;
};

// All metrics in Prometheus' text format.
std::string Serialize();

}  // namespace yizhan::metrics
