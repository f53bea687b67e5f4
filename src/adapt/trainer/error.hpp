#pragma once

#include <cstdarg>
#include <stdexcept>
#include <string>

/** A failure with a code of protocol.json's `errors` table. The message carries figures, never text of the data. */
class TrainerError : public std::runtime_error {
public:
  TrainerError(std::string code, const std::string & message) : std::runtime_error(message), code(std::move(code)) {}
  const std::string code;
};

/** printf into a std::string, for messages. */
__attribute__((format(printf, 1, 2))) std::string text(const char * format, ...);
