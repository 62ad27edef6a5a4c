// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Lender} from "../examples/Lender.sol";
import {AggregatorView} from "../src/AggregatorView.sol";
import {ParameterView} from "../src/ParameterView.sol";
import {IRiskOracle} from "../src/interfaces/IRiskOracle.sol";
import {Reports} from "../src/lib/Reports.sol";
import {Desk} from "./support/Desk.sol";

/// @notice Gas of reading a report, each way, after 60 others; in snapshots/Views.json.
contract GasViewsTest is Desk {
    function setUp() public {
        deployDesk();
        for (uint256 i = 0; i < 60; ++i) {
            claimMargin(0.1875e18);
        }
        report(50e18, 0.1875e18);
    }

    function measured(string memory name) internal {
        vm.snapshotGasLastCall("Views", name);
    }

    /// forge-config: default.isolate = true
    function test_gas_reads() public {
        address provider = vm.addr(PROVIDER_KEY);
        AggregatorView margins =
            new AggregatorView(oracle, provider, MARKET, 1, 18, "WTI initial margin");
        ParameterView.Listing[] memory listings = new ParameterView.Listing[](1);
        listings[0] = ParameterView.Listing(address(1), MARKET);
        ParameterView parameters = new ParameterView(oracle, provider, listings);
        Lender lender =
            new Lender(provider, MARKET, 0.1e18, Reports.Origin(block.chainid, address(oracle)));
        Draft memory made = draft(50e18, 0.25e18);
        IRiskOracle.Ground memory ground = oracle.groundOf(made.basis);
        bytes memory signed = sign(made, PROVIDER_KEY);

        margins.latestRoundData();
        measured("latestRoundData");
        margins.getRoundData(uint80(nonce - 20));
        measured("getRoundData");
        uint256 id =
            parameters.getLatestUpdateByParameterAndMarket("initialMargin", address(1)).updateId;
        measured("getLatestUpdateByParameterAndMarket");
        parameters.getUpdateById(id);
        measured("getUpdateById");
        lender.quote(1e18, made.bundle, ground.program, ground.inputsRoot, made.readings[0], signed);
        measured("a report in calldata");
    }
}
