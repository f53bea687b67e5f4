#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

/** protocol.json, as compiled in. */
const nlohmann::json & protocol();

/** Checks an object against a field table of protocol.json and fills in defaults. Throws `code`, naming the field. */
void check_fields(nlohmann::json & value, const nlohmann::json & fields, const std::string & where, const std::string & code);

/** Checks a whole message. @param side "parent" or "child": who sent it. Throws E_TRAINER_PROTOCOL. */
void check_message(nlohmann::json & message, const char * side);

/** Exit code of an error code (E_TRAINER_INTERNAL's when unknown). */
int exit_code_of(const std::string & code);
bool is_retryable(const std::string & code);
