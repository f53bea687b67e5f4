#include "data.hpp"

#include "error.hpp"
#include "schema.hpp"
#include "sha256.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <unordered_set>

using nlohmann::json;

namespace {
constexpr const char * invalid = "E_DATA_INVALID";

std::vector<int32_t> read_tokens(const json & value, int64_t n_vocab, int64_t max_tokens, const std::string & where) {
  if (value.size() < 2) throw TrainerError(invalid, where + " has fewer than 2 tokens");
  if (int64_t(value.size()) > max_tokens) {
    throw TrainerError(invalid, text("%s has %zu tokens, max_tokens is %lld", where.c_str(), value.size(), (long long) max_tokens));
  }
  std::vector<int32_t> out;
  out.reserve(value.size());
  for (const json & token : value) {
    const double id = token.get<double>();
    if (id < 0 || id >= double(n_vocab)) throw TrainerError(invalid, text("%s holds a token id outside [0, %lld)", where.c_str(), (long long) n_vocab));
    out.push_back(int32_t(id));
  }
  return out;
}

Spans read_spans(const json & value, size_t n_tokens, const std::string & where) {
  Spans out;
  int64_t previous = 1; // position 0 has nothing before it to predict it from
  for (const json & span : value) {
    if (span.size() != 2 || !span[0].is_number_integer() || !span[1].is_number_integer()) throw TrainerError(invalid, where + " holds something other than [from, to]");
    const double from = span[0].get<double>(), to = span[1].get<double>();
    if (from < double(previous) || to <= from || to > double(n_tokens)) {
      throw TrainerError(invalid, where + " must be ascending spans within [1, number of tokens] that do not overlap or are empty");
    }
    out.emplace_back(int64_t(from), int64_t(to));
    previous = int64_t(to);
  }
  if (out.empty()) throw TrainerError(invalid, where + " is empty: nothing to learn");
  return out;
}

Example read_example(json & line, int64_t n_vocab, int64_t max_tokens, const std::string & where) {
  check_fields(line, protocol().at("objects").at("example").at("fields"), where, invalid);
  Example e;
  e.id = line.at("id");
  e.group = line.value("group", "");
  const std::string kind = line.at("kind");
  e.kind = kind == "ce" ? Kind::ce : kind == "kto" ? Kind::kto : Kind::dpo;
  e.weight = line.at("weight").get<float>();
  e.tokens = read_tokens(line.at("tokens"), n_vocab, max_tokens, where + ".tokens");
  e.targets = read_spans(line.at("targets"), e.tokens.size(), where + ".targets");
  if (line.contains("desirable") != (e.kind == Kind::kto)) throw TrainerError(invalid, where + ".desirable belongs to kto lines, and to every one of them");
  if (e.kind == Kind::kto) e.desirable = line.at("desirable");
  const bool is_pair = line.contains("rejected") && line.contains("rejected_targets");
  if (is_pair != (e.kind == Kind::dpo) || line.contains("rejected") != line.contains("rejected_targets")) {
    throw TrainerError(invalid, where + ": rejected and rejected_targets belong to dpo lines, and to every one of them");
  }
  if (is_pair) {
    e.rejected = read_tokens(line.at("rejected"), n_vocab, max_tokens, where + ".rejected");
    e.rejected_targets = read_spans(line.at("rejected_targets"), e.rejected.size(), where + ".rejected_targets");
  }
  return e;
}
} // namespace

Data read_data(const std::string & path, int64_t n_vocab, int64_t max_tokens) {
  std::ifstream file(path);
  if (!file) throw TrainerError(invalid, "the data file cannot be read");
  Data data;
  Sha256 hash;
  std::unordered_set<std::string> ids;
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    number++;
    hash.update(line.data(), line.size());
    hash.update("\n", 1);
    if (line.find_first_not_of(" \r\t") == std::string::npos) continue;
    const std::string where = "line " + std::to_string(number);
    json value;
    try {
      value = json::parse(line);
    } catch (const json::exception &) {
      throw TrainerError(invalid, where + " is not JSON");
    }
    if (!value.is_object()) throw TrainerError(invalid, where + " is not an object");
    data.examples.push_back(read_example(value, n_vocab, max_tokens, where));
    if (!ids.insert(data.examples.back().id).second) throw TrainerError(invalid, where + " repeats an id");
    data.n_tokens += data.examples.back().n_tokens();
  }
  if (data.examples.empty()) throw TrainerError(invalid, "the data file has no examples");
  data.sha256 = hash.hex();
  return data;
}
