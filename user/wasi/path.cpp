// SPDX-License-Identifier: MIT
// The walk. The common path, without links and dots, takes one message; all others go step by step.
#include "user/wasi/path.h"

#include <algorithm>
#include <vector>

#include "base/result.h"

namespace nebulet::wasi {
namespace {

using files::Fid;
using files::OwnedFid;
using files::Target;

constexpr unsigned kMaxLinks = 40;

/// Holds the directory that the walk has reached as the names that lead there from the base, none of which is
/// a link, so that ".." is the removal of the last name. Only one of these names can be changed under our
/// feet by others who write to the directory, and then the file server still keeps the walk inside its
/// export.
class Walk {
 public:
  Walk(Fid base, std::string_view path) : base_(base), rest_(path) {}

  Result<Target> run(Links links) {
    while (true) {
      const std::string name = take_component();
      if (name.empty()) return directory_here();
      if (name == ".") continue;
      if (name == "..") {
        TRY(leave());
        continue;
      }
      Target target = TRY(files::walk(here(), name));
      const bool last = rest_.find_first_not_of('/') == std::string::npos;
      const bool wants_directory = !rest_.empty();
      if (target.qid.is_symlink() && (!last || wants_directory || links == Links::follow)) {
        TRY(substitute(target.fid.get()));
        continue;
      }
      if (last && (!wants_directory || target.qid.is_directory())) return target;
      if (!target.qid.is_directory()) return fail(Errno::notdir);
      names_.push_back(name);
      here_ = std::move(target.fid);
    }
  }

 private:
  Fid here() const { return here_ ? here_.get() : base_; }

  std::string take_component() {
    const std::size_t start = std::min(rest_.find_first_not_of('/'), rest_.size());
    const std::size_t end = std::min(rest_.find('/', start), rest_.size());
    std::string name = rest_.substr(start, end - start);
    rest_.erase(0, end);
    return name;
  }

  Result<> leave() {
    if (names_.empty()) return fail(Errno::perm);
    names_.pop_back();
    here_ = OwnedFid();
    std::vector<std::string_view> batch;
    for (std::size_t i = 0; i < names_.size(); i += ninep::kMaxWalk) {
      const std::size_t count = std::min(names_.size() - i, ninep::kMaxWalk);
      batch.assign(names_.begin() + static_cast<std::ptrdiff_t>(i),
                   names_.begin() + static_cast<std::ptrdiff_t>(i + count));
      here_ = std::move(TRY(files::walk(here(), batch)).fid);
    }
    return {};
  }

  /// Puts a link's target in front of what is left of the path.
  Result<> substitute(Fid link) {
    if (++links_ > kMaxLinks) return fail(Errno::loop);
    std::string target = TRY(files::read_link(link));
    if (target.empty()) return fail(Errno::noent);
    if (target.front() == '/') return fail(Errno::perm);
    rest_.insert(0, target);
    return {};
  }

  Result<Target> directory_here() {
    if (here_) return Target{std::move(here_), ninep::Qid{.type = ninep::kQidDirectory}};
    return files::walk(base_, std::span<const std::string_view>());
  }

  const Fid base_;
  std::string rest_;
  OwnedFid here_;  // none: the base itself
  std::vector<std::string> names_;
  unsigned links_ = 0;
};

}  // namespace

bool split_plain(std::string_view path, std::vector<std::string_view>& names) {
  while (true) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, end);
    if (name.empty() || name == "." || name == ".." || names.size() == ninep::kMaxWalk) return false;
    names.push_back(name);
    if (end == path.size()) return true;
    path.remove_prefix(end + 1);
  }
}

Result<Target> find(Fid base, std::string_view path, Links links) {
  if (path.empty()) return fail(Errno::noent);
  if (path.front() == '/') return fail(Errno::perm);
  std::vector<std::string_view> names;
  if (split_plain(path, names)) {
    auto target = files::walk(base, names);
    if (target && (links == Links::keep || !target->qid.is_symlink())) return target;
    if (!target && names.size() == 1) return target;
  }
  return Walk(base, path).run(links);
}

Result<ninep::Attributes> find_attributes(Fid base, std::string_view path, Links links) {
  std::vector<std::string_view> names;
  if (split_plain(path, names)) {
    auto found = files::walk_to_attributes(base, names);
    if (found && (links == Links::keep || !found->qid.is_symlink())) return found;
    if (!found && names.size() == 1) return found;
  }
  const Target target = TRY(find(base, path, links));
  return files::attributes(target.fid.get());
}

Result<Place> find_place(Fid base, std::string_view path) {
  if (path.empty()) return fail(Errno::noent);
  if (path.front() == '/') return fail(Errno::perm);
  const std::size_t end = path.find_last_not_of('/') + 1;
  const std::size_t slash = path.rfind('/', end - 1);
  const std::size_t start = slash == std::string_view::npos ? 0 : slash + 1;
  Place place;
  place.name = path.substr(start, end - start);
  place.prefix = path.substr(0, start);
  place.wants_directory = end != path.size();
  place.directory = base;
  if (start == 0) return place;
  Target directory = TRY(find(base, place.prefix, Links::follow));
  if (!directory.qid.is_directory()) return fail(Errno::notdir);
  place.directory = directory.fid.get();
  place.walked = std::move(directory.fid);
  return place;
}

}  // namespace nebulet::wasi
