// player.cpp - plays recorded vectors (tests/icarus/record.c) on one Verilated machine that counts coverage, and compares as
// tests/icarus/bench.v does: what is accepted, registers, busy, interrupt, starts and ends. So only what is also right counts as covered.
//
//   player COVERAGE.dat VECTORS...
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "Vqmac.h"
#include "verilated.h"
#include "verilated_cov.h"

namespace {

// Bits of a line's first word, as in record.c.
enum {
    CSR_WRITE,
    CSR_READ,
    AR_READY,
    R_VALID,
    AW_READY,
    W_READY,
    B_VALID,
    BUSY,
    IRQ,
    READ_BURST,
    WRITE_BURST,
    WRITE_BEAT,
    START,
    END = 16,
    RESET = 20
};

constexpr uint64_t PROGRAM_ADDR = 0x01c; // spec/csr.def: from this offset on registers hold numbers

constexpr size_t BEAT = sizeof(Vqmac::m_axi_rdata_i);

struct Line {
    uint64_t flags, csr_address, csr_data, id, address, beats, write_address, write_beats, strobe;
    uint8_t beat[BEAT];
    bool has(int bit) const {
        return flags >> bit & 1;
    }
};

struct Player {
    FILE *file;
    Vqmac &top;
    uint64_t clocks;
    bool is_equal;
};

bool read_word(FILE *file, uint64_t *word) {
    return std::fscanf(file, "%" SCNx64, word) == 1;
}

// Reads the bytes of a beat from a number, whose lowest byte is the first.
void read_beat(FILE *file, uint8_t *bytes) {
    char text[129] = "";
    if (std::fscanf(file, " %128[0-9a-f]", text) != 1 || std::strlen(text) != 2 * BEAT) std::abort();
    for (size_t i = 0; i < BEAT; i++) {
        const char digits[3] = {text[2 * (BEAT - 1 - i)], text[2 * (BEAT - 1 - i) + 1], 0};
        bytes[i] = static_cast<uint8_t>(std::strtoul(digits, nullptr, 16));
    }
}

// Reads a line and sets the pins of the memory from it, in the order in which record.c writes them.
bool read_line(Player &player, Line *line) {
    FILE *file = player.file;
    Vqmac &top = player.top;
    uint64_t id = 0, last = 0, error = 0;
    if (!read_word(file, &line->flags)) return false;
    bool good = true;
    if (line->has(CSR_WRITE) || line->has(CSR_READ)) good = read_word(file, &line->csr_address) && read_word(file, &line->csr_data);
    if (line->has(R_VALID)) {
        good = good && read_word(file, &id) && read_word(file, &last) && read_word(file, &error);
        read_beat(file, reinterpret_cast<uint8_t *>(&top.m_axi_rdata_i));
        top.m_axi_rid_i = id, top.m_axi_rlast_i = last, top.m_axi_rresp_i = error ? 2 : 0;
    }
    if (line->has(B_VALID)) {
        good = good && read_word(file, &error);
        top.m_axi_bresp_i = error ? 2 : 0;
    }
    if (line->has(READ_BURST))
        good = good && read_word(file, &line->id) && read_word(file, &line->address) && read_word(file, &line->beats);
    if (line->has(WRITE_BURST)) good = good && read_word(file, &line->write_address) && read_word(file, &line->write_beats);
    if (line->has(WRITE_BEAT)) {
        good = good && read_word(file, &line->strobe);
        read_beat(file, line->beat);
    }
    if (!good) std::abort();
    return true;
}

// Drives the other pins. The host takes a response at the latest when it asks again.
void drive(Vqmac &top, const Line &line, bool is_host_ready) {
    top.rst_ni = !line.has(RESET);
    top.s_axil_awvalid_i = top.s_axil_wvalid_i = line.has(CSR_WRITE);
    top.s_axil_arvalid_i = line.has(CSR_READ);
    if (line.has(CSR_WRITE)) top.s_axil_awaddr_i = line.csr_address, top.s_axil_wdata_i = line.csr_data;
    if (line.has(CSR_READ)) top.s_axil_araddr_i = line.csr_address;
    top.s_axil_bready_i = is_host_ready || line.has(CSR_WRITE);
    top.s_axil_rready_i = is_host_ready || line.has(CSR_READ);
    top.m_axi_arready_i = line.has(AR_READY);
    top.m_axi_rvalid_i = line.has(R_VALID);
    top.m_axi_awready_i = line.has(AW_READY);
    top.m_axi_wready_i = line.has(W_READY);
    top.m_axi_bvalid_i = line.has(B_VALID);
}

void expect(Player &player, const char *what, uint64_t got, uint64_t want) {
    if (got == want || !player.is_equal) return;
    std::printf("clock %" PRIu64 ": %s is %" PRIx64 ", expected %" PRIx64 "\n", player.clocks, what, got, want);
    player.is_equal = false;
}

void compare_beat(Player &player, const Line &line) {
    const uint8_t *got = reinterpret_cast<const uint8_t *>(&player.top.m_axi_wdata_o);
    expect(player, "write strobe", player.top.m_axi_wstrb_o, line.strobe);
    for (size_t i = 0; i < BEAT; i++)
        if (line.strobe >> i & 1) expect(player, "write data", got[i], line.beat[i]);
}

void compare_pins(Player &player, const Line &line) {
    const Vqmac &top = player.top;
    expect(player, "busy", top.trace_busy_o, line.has(BUSY));
    expect(player, "interrupt", top.irq_o, line.has(IRQ));
    expect(player, "read burst", top.m_axi_arvalid_o && line.has(AR_READY), line.has(READ_BURST));
    expect(player, "write burst", top.m_axi_awvalid_o && line.has(AW_READY), line.has(WRITE_BURST));
    expect(player, "write beat", top.m_axi_wvalid_o && line.has(W_READY), line.has(WRITE_BEAT));
    if (line.has(READ_BURST)) {
        expect(player, "read id", top.m_axi_arid_o, line.id);
        expect(player, "read address", top.m_axi_araddr_o, line.address);
        expect(player, "read beats", top.m_axi_arlen_o + 1u, line.beats);
    }
    if (line.has(WRITE_BURST)) {
        expect(player, "write address", top.m_axi_awaddr_o, line.write_address);
        expect(player, "write beats", top.m_axi_awlen_o + 1u, line.write_beats);
    }
    if (line.has(WRITE_BEAT)) compare_beat(player, line);
}

// Writes some bytes of a register in a clock of its own, and leaves the others to the write that is recorded. Only for registers in which
// that shows nowhere else.
void write_some_bytes(Player &player, const Line &line) {
    Vqmac &top = player.top;
    if (!line.has(CSR_WRITE) || line.csr_address < PROGRAM_ADDR) return;
    drive(top, line, true);
    top.s_axil_wstrb_i = player.clocks & 0xf;
    top.clk_i = 1;
    top.eval();
    top.clk_i = 0;
    top.eval();
    top.s_axil_wstrb_i = ~player.clocks & 0xf;
}

void play_clock(Player &player, const Line &line) {
    Vqmac &top = player.top;
    top.s_axil_wstrb_i = 0xf;
    write_some_bytes(player, line);
    drive(top, line, player.clocks % 2 == 0);
    top.eval();
    if (!line.has(RESET)) compare_pins(player, line);
    top.clk_i = 1;
    top.eval();
    if (!line.has(RESET)) {
        expect(player, "starts", top.trace_start_o, line.flags >> START & 15);
        expect(player, "ends", top.trace_end_o, line.flags >> END & 15);
        if (line.has(CSR_READ)) expect(player, "register", top.s_axil_rdata_o, line.csr_data);
    }
    top.clk_i = 0;
    top.eval();
    player.clocks++;
}

} // namespace

int main(int argc, char **argv) {
    VerilatedContext context;
    Vqmac top{&context, "qmac"};
    Player player{nullptr, top, 0, true};
    for (int i = 2; i < argc && player.is_equal; i++) {
        Line line;
        player.file = std::fopen(argv[i], "r");
        if (player.file == nullptr) std::abort();
        while (player.is_equal && read_line(player, &line)) play_clock(player, line);
        std::fclose(player.file);
    }
    std::printf("%" PRIu64 " clocks, %s\n", player.clocks, player.is_equal ? "all as recorded" : "not as recorded");
    if (argc < 3 || !player.is_equal) return 1;
    context.coveragep()->write(argv[1]);
    return 0;
}
