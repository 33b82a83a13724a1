#include "holdfast/cli/table.h"

#include <algorithm>
#include <numeric>

namespace holdfast::cli {
namespace {

constexpr std::size_t kGap = 2;            ///< columns of blanks between two cells
constexpr std::size_t kNarrowestCell = 8;  ///< a cell is not cut below this

void append_cell(std::string& line, const Table::Cell& cell, std::size_t width, Table::Align align,
                 const Terminal& terminal) {
  const std::string text = fit(cell.text, width);
  const std::string blanks(width - display_width(text), ' ');
  if (align == Table::Align::right) line += blanks;
  line += paint(text, cell.colour, terminal);
  if (align == Table::Align::left) line += blanks;
}

}  // namespace

void Table::add(std::vector<Cell> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths(std::size_t limit) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = display_width(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, display_width(row[i].text));
    widths.push_back(width);
  }
  if (limit == 0 || columns_.empty()) return widths;
  std::size_t total = std::accumulate(widths.begin(), widths.end(), kGap * (columns_.size() - 1));
  while (total > limit) {
    std::size_t widest = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (!columns_[i].shrinks || widths[i] <= kNarrowestCell) continue;
      if (widest == columns_.size() || widths[i] > widths[widest]) widest = i;
    }
    if (widest == columns_.size()) break;  // nothing gives way any more: the terminal wraps
    --widths[widest];
    --total;
  }
  return widths;
}

std::string Table::render(const Terminal& terminal) const {
  const auto columns = widths(terminal.columns);
  std::vector<Cell> titles;
  for (const auto& column : columns_) titles.push_back({column.title, Colour::bold});
  std::string out;
  const auto add_line = [&](const std::vector<Cell>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) line.append(kGap, ' ');
      append_cell(line, cells[i], columns[i], columns_[i].align, terminal);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  };
  add_line(titles);
  for (const auto& row : rows_) add_line(row);
  return out;
}

}  // namespace holdfast::cli
