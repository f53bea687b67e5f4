#include "schema.hpp"

#include "error.hpp"
#include "protocol-table.hpp"

#include <nlohmann/json.hpp>

using nlohmann::json;

const json & protocol() {
  static const json table = json::parse(protocol_table);
  return table;
}

namespace {
bool has_type(const json & value, const std::string & type) {
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "object") return value.is_object();
  return value.is_array();
}

void check_value(json & value, const json & field, const std::string & where, const std::string & code) {
  if (value.is_null() && field.value("nullable", false)) return;
  const std::string type = field.at("type");
  if (!has_type(value, type)) throw TrainerError(code, where + " must be " + type);
  if (field.contains("enum") && value.is_string()) {
    const json & allowed = field.at("enum");
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) throw TrainerError(code, where + " is not one of " + allowed.dump());
  }
  if (value.is_number()) {
    const double number = value.get<double>();
    if (field.contains("min") && number < field.at("min").get<double>()) throw TrainerError(code, where + " must be at least " + field.at("min").dump());
    if (field.contains("max") && number > field.at("max").get<double>()) throw TrainerError(code, where + " must be at most " + field.at("max").dump());
  }
  if (type == "object") check_fields(value, protocol().at("objects").at(field.at("ref").get<std::string>()).at("fields"), where, code);
  if (type == "array") {
    const std::string items = field.at("items");
    for (json & item : value) {
      if (!has_type(item, items)) throw TrainerError(code, where + " must hold " + items + " only");
      if (field.contains("enum")) {
        const json & allowed = field.at("enum");
        if (std::find(allowed.begin(), allowed.end(), item) == allowed.end()) throw TrainerError(code, where + " holds something other than " + allowed.dump());
      }
    }
  }
}
} // namespace

void check_fields(json & value, const json & fields, const std::string & where, const std::string & code) {
  for (const auto & [key, unused] : value.items()) {
    (void) unused;
    if (!fields.contains(key)) throw TrainerError(code, where + " has an unknown field \"" + key.substr(0, 40) + "\"");
  }
  for (const auto & [key, field] : fields.items()) {
    if (!value.contains(key)) {
      if (field.at("required").get<bool>()) throw TrainerError(code, where + "." + key + " is missing");
      if (field.contains("default")) value[key] = field.at("default");
      else if (field.at("type") == "object" && !field.value("nullable", false)) value[key] = json::object(); // its own defaults follow
      else continue;
    }
    check_value(value[key], field, where + "." + key, code);
  }
}

void check_message(json & message, const char * side) {
  if (!message.is_object()) throw TrainerError("E_TRAINER_PROTOCOL", "a message is not an object");
  const json & v = message.value("v", json());
  if (v != protocol().at("version")) throw TrainerError("E_TRAINER_PROTOCOL", "protocol version " + protocol().at("version").dump() + " is spoken here, not " + v.dump().substr(0, 20));
  const json type = message.value("type", json());
  const json & table = protocol().at(side);
  if (!type.is_string() || !table.contains(type.get<std::string>())) throw TrainerError("E_TRAINER_PROTOCOL", "unknown message type " + type.dump().substr(0, 40));
  const std::string name = type;
  json fields = message;
  fields.erase("v");
  fields.erase("type");
  check_fields(fields, table.at(name).at("fields"), name, "E_TRAINER_PROTOCOL");
  message = std::move(fields);
  message["v"] = protocol().at("version");
  message["type"] = name;
}

int exit_code_of(const std::string & code) {
  const json & errors = protocol().at("errors");
  return errors.at(errors.contains(code) ? code : "E_TRAINER_INTERNAL").at("exit");
}

bool is_retryable(const std::string & code) {
  const json & errors = protocol().at("errors");
  return errors.at(errors.contains(code) ? code : "E_TRAINER_INTERNAL").at("retryable");
}
