// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ParameterView} from "../src/ParameterView.sol";
import {IParameterView} from "../src/interfaces/IParameterView.sol";
import {Desk} from "./support/Desk.sol";

/// @notice What a steward written for Chaos Labs' oracle declares and does, and nothing of ours.
interface ITheirOracle {
    struct RiskParameterUpdate {
        uint256 timestamp;
        bytes newValue;
        string referenceId;
        bytes previousValue;
        string updateType;
        uint256 updateId;
        address market;
        bytes additionalData;
    }

    function getLatestUpdateByParameterAndMarket(string memory updateType, address market)
        external
        view
        returns (RiskParameterUpdate memory);
    function getUpdateById(uint256 updateId) external view returns (RiskParameterUpdate memory);
}

/// @notice Injects each update once, while it is young, as theirs do.
contract Steward {
    ITheirOracle internal immutable oracle;
    mapping(uint256 => bool) public done;
    uint256 public injected;

    constructor(address oracle_) {
        oracle = ITheirOracle(oracle_);
    }

    function inject(string memory updateType, address market) external {
        ITheirOracle.RiskParameterUpdate memory update =
            oracle.getLatestUpdateByParameterAndMarket(updateType, market);
        require(!done[update.updateId], "twice");
        require(update.timestamp + 6 hours > block.timestamp, "old");
        require(oracle.getUpdateById(update.updateId).timestamp == update.timestamp, "id");
        done[update.updateId] = true;
        injected = abi.decode(update.newValue, (uint256));
    }
}

contract ParameterViewTest is Desk {
    address internal constant ASSET = address(0xA55E7);
    address internal constant OTHER = address(0x0742);
    ParameterView internal view_;

    function setUp() public {
        deployDesk();
        ParameterView.Listing[] memory listings = new ParameterView.Listing[](2);
        listings[0] = ParameterView.Listing(OTHER, keccak256("other"));
        listings[1] = ParameterView.Listing(ASSET, MARKET);
        view_ = new ParameterView(oracle, vm.addr(PROVIDER_KEY), listings);
    }

    function latest(string memory what)
        internal
        view
        returns (IParameterView.RiskParameterUpdate memory)
    {
        return view_.getLatestUpdateByParameterAndMarket(what, ASSET);
    }

    function expectNone(string memory what, address market) internal {
        vm.expectRevert(abi.encodeWithSelector(IParameterView.NoUpdate.selector, what, market));
        view_.getLatestUpdateByParameterAndMarket(what, market);
    }

    function test_unknown_reverts() public {
        expectNone("initialMargin", ASSET);
        claimMargin(0.1875e18);
        expectNone("initialMargin", ASSET); // not final
        report(50e18, 0.1875e18);
        expectNone("initialMargin", OTHER);
        expectNone("initialMargin", address(1));
        expectNone("liquidationThreshold", ASSET);
        vm.assertTrue(view_.isAuthorized(vm.addr(PROVIDER_KEY)));
        vm.assertFalse(view_.isAuthorized(address(this)));
        vm.assertEq(view_.getAllUpdateTypes()[1], "volatility");
        vm.assertEq(view_.getListings().length, 2);
    }

    function test_latest_isTheNewestFinal() public {
        report(50e18, 0.1875e18);
        vm.warp(NOW + 60);
        uint256 claim = claimMargin(0.25e18);
        mine(WINDOW + 1);
        gate.applyReports(MARKET);
        claimMargin(0.5e18);
        IParameterView.RiskParameterUpdate memory update = latest("initialMargin");
        vm.assertEq(abi.decode(update.newValue, (uint256)), 0.25e18);
        vm.assertEq(abi.decode(update.previousValue, (uint256)), 0.1875e18);
        vm.assertEq(update.timestamp, NOW + 60);
        vm.assertEq(update.referenceId, "2");
        vm.assertEq(update.updateType, "initialMargin");
        vm.assertEq(update.market, ASSET);
        IParameterView.Details memory details =
            abi.decode(update.additionalData, (IParameterView.Details));
        vm.assertEq(details.claim, claim);
        vm.assertEq(details.upper, 0.25e18);
        vm.assertTrue(details.lower < details.value && details.value < details.upper);
        vm.assertEq(details.expiry, NOW + 60 + HOLDS);
        vm.assertEq(abi.decode(latest("volatility").newValue, (uint256)), 0.5e18);
    }

    /// @notice Ids are never given twice and find what they were given for; a fallen report has none.
    function test_ids() public {
        report(50e18, 0.1875e18);
        uint256 first = latest("initialMargin").updateId;
        uint256 claim = claimMargin(0.75e18);
        strike(claim);
        report(50e18, 0.25e18);
        IParameterView.RiskParameterUpdate memory update = latest("initialMargin");
        vm.assertEq(abi.decode(update.previousValue, (uint256)), 0.1875e18);
        vm.assertTrue(update.updateId > first);
        vm.assertTrue(latest("volatility").updateId != update.updateId);
        bytes memory same = abi.encode(view_.getUpdateById(update.updateId));
        vm.assertEq(same, abi.encode(update));
        vm.assertEq(view_.getUpdateById(first).previousValue.length, 0);
        uint256 fallen = (first + update.updateId) / 2;
        uint256[4] memory none = [uint256(0), fallen, update.updateId + 4, type(uint256).max];
        for (uint256 i = 0; i < 4; ++i) {
            bytes4 why = IParameterView.InvalidUpdateId.selector;
            vm.expectRevert(abi.encodeWithSelector(why, none[i]));
            view_.getUpdateById(none[i]);
        }
    }

    /// @notice A consumer that knows nothing of us.
    function test_steward_unchanged() public {
        Steward steward = new Steward(address(view_));
        report(50e18, 0.1875e18);
        steward.inject("initialMargin", ASSET);
        vm.assertEq(steward.injected(), 0.1875e18);
        vm.expectRevert();
        steward.inject("initialMargin", ASSET);
        steward.inject("volatility", ASSET);
        vm.assertEq(steward.injected(), 0.5e18);
        report(50e18, 0.25e18);
        vm.warp(NOW + HOLDS);
        vm.expectRevert();
        steward.inject("initialMargin", ASSET);
    }

    function test_constructor_refuses() public {
        ParameterView.Listing[] memory twice = new ParameterView.Listing[](2);
        vm.expectRevert(abi.encodeWithSelector(IParameterView.BadView.selector, "market"));
        new ParameterView(oracle, address(1), twice);
        twice = new ParameterView.Listing[](257);
        vm.expectRevert(abi.encodeWithSelector(IParameterView.BadView.selector, "listings"));
        new ParameterView(oracle, address(1), twice);
    }

    /// @notice No id makes it answer for a report that is not final, or panic.
    function test_fuzz_ids(uint256 id) public {
        report(50e18, 0.1875e18);
        claimMargin(0.25e18);
        uint256 small = bound(id, 0, 16);
        uint256 margin = latest("initialMargin").updateId;
        for (uint256 i = 0; i < 2; ++i) {
            uint256 asked = i == 0 ? id : small;
            try view_.getUpdateById(asked) returns (IParameterView.RiskParameterUpdate memory got) {
                vm.assertTrue(asked == margin || asked == margin + 1);
                vm.assertEq(got.updateId, asked);
            } catch (bytes memory why) {
                vm.assertTrue(bytes4(why) == IParameterView.InvalidUpdateId.selector);
            }
        }
    }
}
