// A disk in memory for the node's unit tests: every batch is kept at once.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "ports/disk.hpp"

namespace swarm::node {

class TestDisk final : public ports::Disk {
 public:
  void commit(ports::DiskBatch batch, std::uint64_t token) override {
    tokens_.push_back(token);
    if (!batch.mark.empty()) mark_ = batch.mark;
    if (batch.lock) lock_ = *batch.lock;
    if (batch.lock) locking_.insert(token);
    for (const auto& op : batch.ops) write(op);
  }
  void scan(ports::Family family, std::string_view from,
            const std::function<bool(std::string_view, std::string_view)>& visit) override {
    const auto& table = tables_[family];
    for (auto it = table.lower_bound(std::string(from)); it != table.end(); ++it)
      if (!visit(it->first, it->second)) return;
  }
  std::optional<std::string> get(ports::Family family, std::string_view key) override {
    const auto it = tables_[family].find(std::string(key));
    return it == tables_[family].end() ? std::nullopt : std::optional(it->second);
  }
  std::string mark() override { return mark_; }
  void set_mark(std::string mark) { mark_ = std::move(mark); }
  std::optional<ports::Unusable> unusable() override { return unusable_; }
  void set_unusable(std::optional<ports::Unusable> unusable) { unusable_ = std::move(unusable); }
  void reopen() override { ++reopened; }
  int reopened = 0;
  bool locked() override { return locked_; }
  Result<bool> unlock(std::string_view key) override {
    if (key != lock_.key) return false;
    locked_ = false;
    return true;
  }
  ports::DiskLock lock() override { return lock_; }
  void restart() { locked_ = !lock_.key.empty(); }
  bool brought_lock(std::uint64_t token) const { return locking_.contains(token); }
  bool has_manager_state() override {
    for (const auto family : ports::kManagerFamilies)
      if (!tables_[family].empty()) return true;
    return false;
  }
  void wipe_manager() override {
    for (const auto family : ports::kManagerFamilies) tables_[family].clear();
    mark_.clear();
  }
  void wipe_all() override {
    tables_.clear();
    mark_.clear();
    lock_ = {};
    locked_ = false;
  }
  // Of the batches since the last call.
  std::vector<std::uint64_t> take_tokens() { return std::exchange(tokens_, {}); }

 private:
  void write(const ports::DiskOp& op) {
    auto& table = tables_[op.family];
    switch (op.type) {
      case ports::DiskOp::Type::put:
        table[op.key] = op.value;
        break;
      case ports::DiskOp::Type::erase:
        table.erase(op.key);
        break;
      case ports::DiskOp::Type::erase_range:
        table.erase(table.lower_bound(op.key), table.lower_bound(op.value));
        break;
    }
  }
  std::map<ports::Family, std::map<std::string, std::string>> tables_;
  std::vector<std::uint64_t> tokens_;
  std::set<std::uint64_t> locking_;  // tokens of batches with a lock
  std::string mark_;
  std::optional<ports::Unusable> unusable_;
  ports::DiskLock lock_;
  bool locked_ = false;
};

}  // namespace swarm::node
