"""Reads from the header of an H.264 stream what FFmpeg does not tell."""


def has_only_frames(avcc: bytes | None) -> bool:
    """Whether the header of an MP4 or Matroska file (avcC) rules out interlaced frames for the whole stream.

    That is the frame_mbs_only_flag of all its sequence parameter sets (ITU-T H.264, 7.3.2.1.1). False for no header,
    for that of another kind (in MPEG-TS the parameter sets may change at any time), and for a damaged one.
    """
    if not avcc or len(avcc) < 7 or avcc[0] != 1:
        return False
    try:
        sets, at = [], 6
        for _ in range(avcc[5] & 31):
            length = int.from_bytes(avcc[at : at + 2])
            sets.append(avcc[at + 2 : at + 2 + length])
            at += 2 + length
        return bool(sets) and all(_frame_mbs_only(_Bits(one[1:])) for one in sets)
    except IndexError:
        return False


class _Bits:
    """Reads bits and Exp-Golomb codes (9.1); IndexError after the last bit."""

    def __init__(self, payload: bytes) -> None:
        raw = payload.replace(b"\x00\x00\x03", b"\x00\x00")  # emulation prevention, 7.4.1
        self._bits = "".join(f"{byte:08b}" for byte in raw)
        self._at = 0

    def read(self, count: int) -> int:
        """The next `count` >= 1 bits as a number."""
        if self._at + count > len(self._bits):
            raise IndexError
        self._at += count
        return int(self._bits[self._at - count : self._at], 2)

    def code(self) -> int:
        """The next unsigned Exp-Golomb code."""
        zeros = 0
        while not self.read(1):
            zeros += 1
        return (1 << zeros) - 1 + (self.read(zeros) if zeros else 0)

    def signed(self) -> int:
        """The next signed Exp-Golomb code."""
        code = self.code()
        return (code + 1) // 2 if code % 2 else -code // 2


WITH_CHROMA_FORMAT = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""Profiles whose parameter sets tell the chroma format, the depth and scaling lists."""


def _frame_mbs_only(bits: _Bits) -> bool:
    profile = bits.read(8)
    bits.read(16)  # constraints and level
    bits.code()  # seq_parameter_set_id
    if profile in WITH_CHROMA_FORMAT:
        _skip_chroma_format(bits)
    bits.code()  # log2_max_frame_num_minus4
    order_type = bits.code()
    if order_type == 0:
        bits.code()
    elif order_type == 1:
        bits.read(1)
        bits.signed()
        bits.signed()
        for _ in range(bits.code()):
            bits.signed()
    bits.code()  # max_num_ref_frames
    bits.read(1)  # gaps_in_frame_num_value_allowed_flag
    bits.code()  # width and
    bits.code()  # height in macroblocks
    return bool(bits.read(1))


def _skip_chroma_format(bits: _Bits) -> None:
    chroma_format = bits.code()
    if chroma_format == 3:
        bits.read(1)  # separate_colour_plane_flag
    bits.code()  # bit_depth_luma_minus8
    bits.code()  # bit_depth_chroma_minus8
    bits.read(1)  # qpprime_y_zero_transform_bypass_flag
    if not bits.read(1):  # seq_scaling_matrix_present_flag
        return
    for number in range(8 if chroma_format != 3 else 12):
        if bits.read(1):
            _skip_scaling_list(bits, 16 if number < 6 else 64)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = step = 8
    for _ in range(size):
        if step:
            step = (last + bits.signed()) % 256
        last = step or last
