//! Coefficients of the elementary functions, as the bits of f64.
//!
//! Each polynomial is the minimax polynomial of the function named in its comment (Remez exchange
//! at 200 bits), its coefficients rounded to nearest. They are part of the meaning of the ops: one
//! that changes a bit is a new op. The derivation stands in `docs/numerics.md`.

/// log2(e).
pub(super) const LOG2_E: u64 = 0x3ff7_1547_652b_82fe;
/// ln 2, rounded to nearest.
pub(super) const LN2: u64 = 0x3fe6_2e42_fefa_39ef;
/// ln 2 minus the value of [`LN2`].
pub(super) const LN2_REST: u64 = 0x3c7a_bc9e_3b39_803f;
/// The leading 32 bits of ln 2: its product with an exponent is exact.
pub(super) const LN2_HEAD: u64 = 0x3fe6_2e42_fee0_0000;
/// ln 2 minus the value of [`LN2_HEAD`].
pub(super) const LN2_TAIL: u64 = 0x3dea_39ef_3579_3c76;
/// 1.5 * 2^52: adding it rounds to an integer, in the low bits.
pub(super) const SHIFTER: u64 = 0x4338_0000_0000_0000;
/// About sqrt(1/2), where the mantissa of a logarithm's argument starts.
pub(super) const ROOT_HALF: u64 = 0x3fe6_a09e_0000_0000;
/// The bits of a mantissa.
pub(super) const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;

/// `(e^r - 1) / r` on |r| <= ln 2 / 2, ascending powers of r; relative error of e^r 2^-57.
pub(super) const EXP: [u64; 11] = [
    0x3ff0_0000_0000_0000,
    0x3fe0_0000_0000_0000,
    0x3fc5_5555_5555_5561,
    0x3fa5_5555_5555_30f9,
    0x3f81_1111_1110_c9b6,
    0x3f56_c16c_17d1_bfb2,
    0x3f2a_01a0_1c25_5dae,
    0x3efa_019a_a0d2_e4cd,
    0x3ec7_1ddc_8b31_edf5,
    0x3e92_8a0b_0e8d_b481,
    0x3e5a_fb38_5afb_3976,
];

/// The same for f32 results; relative error 2^-33.
pub(super) const EXP_SHORT: [u64; 7] = [
    0x3ff0_0000_0000_0000,
    0x3fe0_0000_0000_0000,
    0x3fc5_5555_5943_c6b8,
    0x3fa5_554e_56f3_ac91,
    0x3f81_1107_42d7_84e9,
    0x3f56_d4fd_9ba1_0052,
    0x3f2a_1d4f_1eba_f6de,
];

/// `(2 atanh(s) / s - 2) / z` with z = s^2 <= 0.0295, ascending powers of z; relative error 2^-59.
pub(super) const LOG: [u64; 7] = [
    0x3fe5_5555_5555_5592,
    0x3fd9_9999_9997_fd77,
    0x3fd2_4924_941f_4f9b,
    0x3fcc_71c5_2060_90bd,
    0x3fc7_4663_fa1f_a5e0,
    0x3fc3_9a1a_6faa_4b6f,
    0x3fc2_f063_46b8_30ac,
];

/// The same for f32 results; relative error 2^-37.
pub(super) const LOG_SHORT: [u64; 4] =
    [0x3fe5_5555_4fda_20a9, 0x3fd9_99a7_a8cd_0a42, 0x3fd2_438d_4ec9_14c2, 0x3fce_2f70_3f1c_5959];

/// `(tanh(t) / t - 1) / z` with z = t^2 <= 0.5625^2, ascending; relative error 2^-59.
pub(super) const TANH: [u64; 11] = [
    0xbfd5_5555_5555_554c,
    0x3fc1_1111_1111_032f,
    0xbfab_a1ba_1b93_c2e1,
    0x3f96_64f4_84aa_1400,
    0xbf82_26e2_d296_e874,
    0x3f6d_6d24_d47e_1112,
    0xbf57_d8bd_a013_f455,
    0x3f43_462b_5df7_3382,
    0xbf2e_81de_496b_475d,
    0x3f15_9a61_6a7b_b1d3,
    0xbef3_d9f4_dcb0_54d8,
];

/// The same for f32 results; relative error 2^-34.
pub(super) const TANH_SHORT: [u64; 6] = [
    0xbfd5_5555_4d2d_6d73,
    0x3fc1_110d_13e3_a202,
    0xbfab_a06c_4058_b11d,
    0x3f96_4ba8_edf8_e4ee,
    0xbf81_2a75_3c9c_c7ab,
    0x3f63_4ef9_0144_1e4a,
];

/// `erf(t) / t - 1` in z = t^2 <= 1, ascending; relative error 2^-56.
pub(super) const ERF: [u64; 12] = [
    0x3fc0_6eba_8214_db68,
    0xbfd8_1274_6b03_79c2,
    0x3fbc_e2f2_1a04_1018,
    0xbf9b_82ce_3120_62bc,
    0x3f75_65bc_cfa9_a825,
    0xbf4c_02db_072f_3fe0,
    0x3f1f_9a2b_f73f_0c68,
    0xbeef_4ca9_4990_cb86,
    0x3ebb_9827_b188_5f9b,
    0xbe85_c16e_30fb_0d45,
    0x3e4d_7849_3661_8cc2,
    0xbe0a_cdff_90b8_ebd8,
];

/// `(1 + 2 t) e^(t^2) erfc(t)` in q = (t - 3.5) / (t + 3.5) for t in 0.5..=28, ascending; relative
/// error 2^-55.
pub(super) const ERFCX: [u64; 23] = [
    0x3ff3_e0a9_9a0e_e914,
    0xbfc1_ebd2_20ea_593c,
    0xbf85_9e2c_284b_11fa,
    0x3fb8_f702_ec6b_3398,
    0xbfbd_7683_0c35_317e,
    0x3fb6_8610_6046_dcbf,
    0xbfa8_ff5e_f76d_389c,
    0x3f93_8ec6_6716_7d75,
    0xbf71_43c4_ca62_06d3,
    0xbf33_cf36_a3c2_7682,
    0x3f42_7e66_4833_ac35,
    0xbf1f_da8f_9d89_1442,
    0xbf06_6e20_51ce_571c,
    0x3ef9_707e_fbc7_95e4,
    0x3ec3_879f_013a_9da5,
    0xbecf_ff4a_4acb_baf4,
    0xbe67_8a28_6370_3003,
    0x3ea4_22da_f1f7_4c20,
    0xbe42_3e5b_a0bb_d7f6,
    0xbe78_f4b0_2da0_b972,
    0x3e11_fbed_19ca_4bc7,
    0x3e46_4af0_ac4f_2dd0,
    0xbde7_a734_3120_48f5,
];
