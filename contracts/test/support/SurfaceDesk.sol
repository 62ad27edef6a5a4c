// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {SurfaceBook} from "../../src/SurfaceBook.sol";
import {ISurfaceBook} from "../../src/interfaces/ISurfaceBook.sol";
import {Amount} from "../../src/lib/Amount.sol";
import {Header} from "../../src/lib/Header.sol";
import {BookDesk} from "./BookDesk.sol";

/// @notice A book of surfaces beside a book of scenarios, and the certified surface of the golden
///         vectors that the crate `market` writes.
abstract contract SurfaceDesk is BookDesk {
    string internal constant SURFACES = "../vectors/surface_v1.json";
    uint64 internal constant FIRST = NOW + 10 days;

    SurfaceBook internal surfaces;
    string[] internal cases;
    ISurfaceBook.Slice[] internal known;

    function deploySurfaces() internal {
        deployBook();
        bytes memory butterfly =
            bytes.concat(hex"0100000001000000000000000200000000000000", keccak256("butterfly"));
        bytes memory calendar =
            bytes.concat(hex"0100000001000000000000000300000000000000", keccak256("calendar"));
        address provider = vm.addr(PROVIDER_KEY);
        vm.prank(SURFACE_DEPLOYER);
        surfaces = new SurfaceBook(court, provider, Header.hash(butterfly), Header.hash(calendar));
        programs.register(Header.hash(butterfly), "");
        programs.register(Header.hash(calendar), "");
        mine(WINDOW + 1);
        readCases();
    }

    function readCases() internal {
        while (true) {
            bytes memory line = bytes(vm.readLine(SURFACES));
            if (line.length == 0) break;
            if (line.length < 6 || line[4] != "{") continue;
            if (line[line.length - 1] == ",") {
                assembly ("memory-safe") {
                    mstore(line, sub(mload(line), 1)) // without the comma
                }
            }
            cases.push(string(line));
        }
        for (uint256 i = 0; i < cases.length; ++i) {
            ISurfaceBook.Slice storage slice = known.push();
            slice.expiry = FIRST + uint64(i) * 90 days;
            slice.svi = this.sviOf(vm.parseJsonBytes(cases[i], ".svi"));
            slice.butterfly = proofOf(cases[i], ".butterfly");
            if (i > 0) slice.calendar = proofOf(cases[i], ".calendar");
        }
    }

    function sviOf(bytes calldata raw) external pure returns (ISurfaceBook.Svi memory) {
        return ISurfaceBook.Svi(
            Amount.load(raw, 0),
            Amount.load(raw, 1),
            Amount.load(raw, 2),
            Amount.load(raw, 3),
            Amount.load(raw, 4)
        );
    }

    function proofOf(string memory line, string memory name)
        internal
        pure
        returns (ISurfaceBook.Proof memory)
    {
        return ISurfaceBook.Proof(
            vm.parseJsonBytes(line, string.concat(name, ".edges")),
            vm.parseJsonBytes32(line, string.concat(name, ".bounds")),
            vm.parseJsonBytes(line, string.concat(name, ".report"))
        );
    }

    function postSurface(ISurfaceBook.Slice[] memory slices) internal returns (uint256) {
        vm.prank(vm.addr(PROVIDER_KEY));
        return surfaces.post(MARKET, slices);
    }

    /// @notice Element `at` of a report, bits.
    function element(bytes memory report, uint256 at) internal view returns (uint64) {
        return this.loaded(report, at);
    }

    function loaded(bytes calldata report, uint256 at) external pure returns (uint64) {
        return Amount.load(report, at);
    }
}
