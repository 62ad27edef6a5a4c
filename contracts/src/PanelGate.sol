// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import {ICourt} from "./interfaces/ICourt.sol";
import {IAccounts, IAuthority, IPanelGate} from "./interfaces/IPanelGate.sol";
import {IRiskOracle} from "./interfaces/IRiskOracle.sol";
import {Amount} from "./lib/Amount.sol";
import {Panel} from "./lib/Panel.sol";
import {Tree} from "./lib/Tree.sol";
import {Wad} from "./lib/Wad.sol";

/// @title The gate between several providers and a market's margins
/// @notice Settled parameters are within floor and ceiling (or, after the owner narrowed these, on their way
///         there) and move by one step a delay, never down past what open reports say; initial margin is from the settled one to one step above it; maintenance margin is never above the
///         settled initial one, and in any hour rises by a quarter at most.
/// @dev What pays somebody waits for final claims: settled parameters, and maintenance margin with them.
///      Nobody can hold maintenance back longer than the policy's patience, whatever consequence is claimed
///      or not claimed. Deliberately absent: funds, prices, and any power of the owner over funds.
contract PanelGate is IPanelGate, Ownable2Step {
    using EnumerableSet for EnumerableSet.AddressSet;

    /// @dev What holds for a market.
    /// @param movedAt chain time of the last move of what is settled
    /// @param anchor maintenance margin at the start of this hour's rise
    /// @param risenAt chain time of the last step up
    /// @param risenIn block of the last step up
    /// @param since block from which a rise waits, 0 when none does
    struct Market {
        uint128 initial;
        uint128 volatility;
        uint128 maintenance;
        uint128 anchor;
        uint64 movedAt;
        uint64 risenAt;
        uint64 risenIn;
        uint64 since;
    }

    /// @dev What was last read of a provider's reports on a market.
    /// @param margin upper bound of the newest final report, 0 before the first
    /// @param expiry of that report
    /// @param raised highest upper bound after it, while the claim `raiser` stands
    /// @param newestExpiry of the newest report, while the claim `newest` stands
    struct Word {
        uint128 margin;
        uint128 volatility;
        uint128 raised;
        uint128 raiser;
        uint128 newest;
        uint64 expiry;
        uint64 newestExpiry;
    }

    /// @dev A step of maintenance margin that was claimed about.
    struct Step {
        bytes32 market;
        uint128 level;
        uint64 since;
    }

    uint256 private constant WAD = 1e18;
    uint256 private constant PROVIDERS_MAX = 9;
    uint256 private constant STEP_UP_MAX = 1e20;
    uint256 private constant HOUR_RISE = 1.25e18;
    uint256 private constant STALE_RISE = 1.5e18;
    /// @notice No report is fresh for longer, whatever its expiry says.
    uint64 public constant EXPIRY = 6 hours;

    /// @notice Where reports are read.
    IRiskOracle public immutable oracle;
    /// @notice Keeps the claims behind reports and steps; this contract is among its consumers.
    ICourt public immutable court;
    /// @notice Says whose record lets it be heard; zero for everybody's.
    IAuthority public immutable authority;
    /// @notice Whose accounts a step is about.
    IAccounts public immutable accounts;
    /// @notice Program that counts what a level would make liquidatable: from f64[n, 2] and f64[1] to f64[2].
    bytes32 public immutable consequence;
    /// @notice Whether what is static holds.
    bool public isShut;

    EnumerableSet.AddressSet private _providers;
    mapping(bytes32 market => Policy) private _policies;
    mapping(bytes32 market => Market) private _markets;
    mapping(bytes32 market => mapping(address provider => Word)) private _words;
    mapping(uint256 claim => Step) private _steps;

    /// @param oracle_ where reports are read
    /// @param authority_ zero where every provider that is on is heard
    /// @param accounts_ zero where no step needs a claim
    /// @param consequence_ hash of the Program that steps are claimed about
    /// @param owner_ the consuming protocol
    constructor(
        IRiskOracle oracle_,
        IAuthority authority_,
        IAccounts accounts_,
        bytes32 consequence_,
        address owner_
    ) Ownable(owner_) {
        oracle = oracle_;
        court = oracle_.court();
        authority = authority_;
        accounts = accounts_;
        consequence = consequence_;
    }

    // The owner's.

    /// @inheritdoc IPanelGate
    function setMarket(bytes32 market, Policy calldata policy) external onlyOwner {
        _checkLimits(policy.margin, policy.staticInitial, "margin");
        _checkLimits(policy.volatility, policy.staticVolatility, "volatility");
        require(policy.margin.ceiling <= WAD, BadPolicy("margin"));
        require(
            policy.staticMaintenance > 0 && policy.staticMaintenance <= policy.staticInitial,
            BadPolicy("staticMaintenance")
        );
        bool checked = policy.countMax < type(uint256).max;
        bool able = address(accounts) != address(0) && court.isConsumer(address(this));
        require(!checked || able, BadPolicy("countMax"));

        _policies[market] = policy;
        Market storage held = _markets[market];
        if (held.initial == 0) {
            held.initial = policy.staticInitial;
            held.maintenance = policy.staticMaintenance;
            held.volatility = policy.staticVolatility;
        }

        emit MarketSet(market, policy);
    }

    /// @inheritdoc IPanelGate
    function setProvider(address provider, bool on) external onlyOwner {
        require(on ? _providers.add(provider) : _providers.remove(provider), AlreadySo(provider));
        require(_providers.length() <= PROVIDERS_MAX, TooManyProviders(PROVIDERS_MAX));
        emit Switched(provider, on);
    }

    /// @inheritdoc IPanelGate
    function setShut(bool shut) external onlyOwner {
        isShut = shut;
        emit ShutSet(shut);
    }

    // Anybody's.

    /// @inheritdoc IPanelGate
    function applyReports(bytes32 market) external {
        Market storage held = _known(market);
        uint256 count = _providers.length();
        for (uint256 i = 0; i < count; ++i) {
            _hear(market, _providers.at(i));
        }
        _move(market, held);
        _rise(market, held);
    }

    /// @inheritdoc IPanelGate
    function proposeStep(bytes32 market, uint64 level, bytes calldata chunk)
        external
        returns (uint256 claim)
    {
        Market storage held = _known(market);
        _await(market, held);
        uint128 wad = Wad.down(level);
        uint256 most = _most(held);
        require(
            held.since > 0 && wad > held.maintenance && wad <= most,
            BadLevel(wad, held.maintenance, most)
        );
        bytes32 root = accounts.accountsRoot();
        claim = _claim(inputsOf(root, level), Tree.leaf(chunk));
        _steps[claim] = Step({market: market, level: wad, since: held.since});
        (uint256 count, uint256 notional) = _small(_policies[market], chunk);
        emit StepProposed(market, claim, wad, level, root, count, notional);
    }

    /// @inheritdoc IPanelGate
    function takeStep(uint256 claim) external {
        Step memory step = _steps[claim];
        require(step.since > 0, NoStep(claim));
        Market storage held = _markets[step.market];
        bool current =
            step.since == held.since && step.level > held.maintenance && step.level <= _most(held);
        require(current, NoStep(claim));
        require(held.risenIn < block.number, OneAStep(held.risenIn));
        if (court.stateOf(claim) == ICourt.State.Open) court.finalise(claim);
        require(court.stateOf(claim) == ICourt.State.Final, NoStep(claim));
        delete _steps[claim];
        _raise(step.market, held, step.level, claim);
    }

    // Views.

    /// @inheritdoc IPanelGate
    function initialMargin(bytes32 market) external view returns (uint256) {
        Market storage held = _known(market);
        Policy storage policy = _policies[market];
        if (isShut) return policy.staticInitial;
        (, uint256[] memory levels, uint256 count) = _heard(market, true);
        uint256 settled = held.initial;
        if (count == 0) {
            return Math.min(Math.mulDiv(settled, STALE_RISE, WAD, Math.Rounding.Ceil), WAD);
        }
        uint256 said = levels[Panel.median(levels, count)];
        uint256 most = Math.mulDiv(settled, WAD + policy.margin.stepUp, WAD);
        return Math.max(settled, Math.min(Math.min(said, most), policy.margin.ceiling));
    }

    /// @inheritdoc IPanelGate
    function maintenanceMargin(bytes32 market) external view returns (uint256) {
        Market storage held = _known(market);
        return isShut ? _policies[market].staticMaintenance : held.maintenance;
    }

    /// @inheritdoc IPanelGate
    function volatility(bytes32 market) external view returns (uint256) {
        Market storage held = _known(market);
        return isShut ? _policies[market].staticVolatility : held.volatility;
    }

    /// @notice Returns the initial margin and volatility that final reports have led to.
    function settledOf(bytes32 market)
        external
        view
        returns (uint256 initial, uint256 volatility_)
    {
        Market storage held = _known(market);
        return (held.initial, held.volatility);
    }

    /// @inheritdoc IPanelGate
    function fresh(bytes32 market) external view returns (bool) {
        _known(market);
        if (isShut) return true;
        (,, uint256 count) = _heard(market, false);
        return count > 0;
    }

    /// @inheritdoc IPanelGate
    function rise(bytes32 market) external view returns (uint256 most, uint64 since) {
        Market storage held = _known(market);
        return (_most(held), held.since);
    }

    /// @inheritdoc IPanelGate
    function providers() external view returns (address[] memory) {
        return _providers.values();
    }

    /// @inheritdoc IPanelGate
    function policyOf(bytes32 market) external view returns (Policy memory) {
        return _policies[market];
    }

    /// @notice Returns the list root that a step's claim has as inputs: the accounts, and the level f64[1].
    function inputsOf(bytes32 accountsRoot, uint64 level) public pure returns (bytes32) {
        bytes32[] memory roots = new bytes32[](2);
        roots[0] = accountsRoot;
        roots[1] = Tree.leaf(bytes.concat(bytes8(Amount.swap(level)), new bytes(Tree.CHUNK_8 - 8)));
        return Tree.root(roots);
    }

    // Steps.

    function _claim(bytes32 inputsRoot, bytes32 outputsRoot) private returns (uint256) {
        return court.post(consequence, inputsRoot, outputsRoot, msg.sender, 1, new uint256[](0));
    }

    /// @dev Reads an outcome; refuses one that is more than one step may have.
    function _small(Policy storage policy, bytes calldata chunk)
        private
        view
        returns (uint256 count, uint256 notional)
    {
        require(chunk.length == Tree.CHUNK_8, Tree.ChunkLength(chunk.length, Tree.CHUNK_8));
        count = Math.ceilDiv(Wad.up(Amount.load(chunk, 0)), WAD);
        notional = Wad.up(Amount.load(chunk, 1));
        bool small = count <= policy.countMax && notional <= policy.notionalMax;
        require(small, TooMuch(count, notional));
    }

    // Providers.

    /// @dev Reads a provider's reports.
    function _hear(bytes32 market, address provider) private {
        oracle.settle(provider, market);
        (
            IRiskOracle.Report memory settled,
            IRiskOracle.Report memory highest,
            IRiskOracle.Report memory newest
        ) = oracle.standing(provider, market, uint8(IRiskOracle.Kind.Margin));
        (IRiskOracle.Report memory coupled,,) =
            oracle.standing(provider, market, uint8(IRiskOracle.Kind.Volatility));
        _words[market][provider] = Word({
            margin: uint128(settled.upper),
            volatility: uint128(coupled.upper),
            raised: uint128(highest.upper),
            raiser: uint128(highest.claim),
            newest: uint128(newest.claim),
            expiry: _expiryOf(settled),
            newestExpiry: _expiryOf(newest)
        });
    }

    function _expiryOf(IRiskOracle.Report memory report) private pure returns (uint64) {
        uint64 latest = report.validFrom + EXPIRY;
        return report.expiry < latest ? report.expiry : latest;
    }

    /// @dev The providers that count, and what each says of initial margin.
    /// @param open whether reports that are not final raise it
    function _heard(bytes32 market, bool open)
        private
        view
        returns (address[] memory who, uint256[] memory levels, uint256 count)
    {
        uint256 all = _providers.length();
        who = new address[](all);
        levels = new uint256[](all);
        for (uint256 i = 0; i < all; ++i) {
            address provider = _providers.at(i);
            Word storage word = _words[market][provider];
            uint256 level = word.margin;
            if (level == 0 || !_counts(market, provider, word)) continue;
            if (open && word.raised > level && _stands(word.raiser)) level = word.raised;
            (who[count], levels[count]) = (provider, level);
            ++count;
        }
    }

    function _counts(bytes32 market, address provider, Word storage word)
        private
        view
        returns (bool)
    {
        bool fresh_ = block.timestamp < word.expiry
            || (block.timestamp < word.newestExpiry && _stands(word.newest));
        if (!fresh_) return false;
        return address(authority) == address(0) || authority.trusted(provider, market);
    }

    function _stands(uint256 claim) private view returns (bool) {
        if (claim == 0) return false;
        ICourt.State state = court.stateOf(claim);
        return state != ICourt.State.Struck && state != ICourt.State.Void;
    }

    // Moves.

    /// @dev Moves what may move towards the bundle of the provider with the median margin.
    function _move(bytes32 market, Market storage held) private {
        Policy storage policy = _policies[market];
        bool due = held.movedAt == 0 || block.timestamp >= uint256(held.movedAt) + policy.delay;
        if (!due) return;
        (address[] memory who, uint256[] memory levels, uint256 count) = _heard(market, false);
        if (count == 0) return;
        bool moved = _follow(market, held, who[Panel.median(levels, count)]);
        bool lowered = _lower(market, held, policy.margin.stepDown);
        if (moved || lowered) held.movedAt = uint64(block.timestamp);
    }

    /// @dev Moves both parameters by one share of the way to a provider's bundle.
    function _follow(bytes32 market, Market storage held, address provider) private returns (bool) {
        Word storage word = _words[market][provider];
        Limits memory a = _policies[market].margin;
        Limits memory b = _policies[market].volatility;
        uint256 margin = Panel.clamp(word.margin, a.floor, a.ceiling);
        uint256 coupled = Panel.clamp(word.volatility, b.floor, b.ceiling);
        if (margin == held.initial && coupled == held.volatility) return false;
        uint256 share = Math.min(
            Panel.share(held.initial, margin, a.stepUp, a.stepDown),
            Panel.share(held.volatility, coupled, b.stepUp, b.stepDown)
        );
        share = Math.min(share, _openShare(market, held.initial, margin));
        if (share == 0) return false;
        held.initial = uint128(Panel.along(held.initial, margin, share));
        held.volatility = uint128(Panel.along(held.volatility, coupled, share));
        emit Moved(market, provider, held.initial, held.volatility, share);
        return true;
    }

    /// @dev How much of a way down open reports leave free: as far as to the median with them counted.
    ///      Otherwise whoever keeps the newest reports in dispute could have margins follow older ones.
    function _openShare(bytes32 market, uint256 from, uint256 to) private view returns (uint256) {
        if (to >= from) return WAD;
        (, uint256[] memory levels, uint256 count) = _heard(market, true);
        uint256 said = levels[Panel.median(levels, count)];
        if (said <= to) return WAD;
        return said >= from ? 0 : Math.mulDiv(from - said, WAD, from - to);
    }

    /// @dev Lowers maintenance margin towards two thirds of the initial one, and never leaves it above that.
    function _lower(bytes32 market, Market storage held, uint256 step) private returns (bool) {
        uint256 target = _target(held);
        if (target >= held.maintenance) return false;
        uint256 least = Math.mulDiv(held.maintenance, WAD - step, WAD, Math.Rounding.Ceil);
        held.maintenance = uint128(Math.min(Math.max(target, least), held.initial));
        held.since = 0;
        emit MaintenanceMoved(market, held.maintenance, 0);
        return true;
    }

    /// @dev Notes that a rise waits, and lets it through where no claim is needed any more.
    function _rise(bytes32 market, Market storage held) private {
        _await(market, held);
        if (held.since == 0) return;
        Policy storage policy = _policies[market];
        bool free = policy.countMax == type(uint256).max;
        if (!free && block.number < uint256(held.since) + policy.patience) return;
        _raise(market, held, _most(held), 0);
    }

    function _await(bytes32 market, Market storage held) private {
        if (held.since > 0) return;
        bool hourOver = block.timestamp >= uint256(held.risenAt) + 1 hours;
        if (!hourOver || _target(held) <= held.maintenance) return;
        held.anchor = held.maintenance;
        held.since = uint64(block.number);
        emit RiseWanted(market, _target(held), held.since);
    }

    /// @dev Ends the hour's rise when it has come as far as it may.
    function _raise(bytes32 market, Market storage held, uint256 level, uint256 claim) private {
        if (level <= held.maintenance) {
            held.since = 0;
            return;
        }
        if (level == _most(held)) held.since = 0;
        held.maintenance = uint128(level);
        held.risenAt = uint64(block.timestamp);
        held.risenIn = uint64(block.number);
        emit MaintenanceMoved(market, level, claim);
    }

    /// @dev To what maintenance margin may rise in this hour.
    function _most(Market storage held) private view returns (uint256) {
        return Math.min(_target(held), Math.mulDiv(held.anchor, HOUR_RISE, WAD));
    }

    function _target(Market storage held) private view returns (uint256) {
        return Math.mulDiv(held.initial, 2, 3, Math.Rounding.Ceil);
    }

    function _known(bytes32 market) private view returns (Market storage held) {
        held = _markets[market];
        require(held.initial > 0, UnknownMarket(market));
    }

    function _checkLimits(Limits calldata limits, uint256 fixed_, string memory field)
        private
        pure
    {
        bool ordered = limits.floor > 0 && limits.floor <= limits.ceiling;
        bool inside = fixed_ >= limits.floor && fixed_ <= limits.ceiling;
        bool steps = limits.stepUp > 0 && limits.stepUp <= STEP_UP_MAX && limits.stepDown > 0
            && limits.stepDown < WAD;
        require(ordered && inside && steps, BadPolicy(field));
    }
}
